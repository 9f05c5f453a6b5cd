"""Objects as large as they may be, and memory that does not grow with them."""

from __future__ import annotations

import pytest

from tests.harness import Ark, config_map

pytestmark = pytest.mark.api

MAX_MIB = 192


@pytest.mark.parametrize("count", [25, pytest.param(300, marks=pytest.mark.heavy)])
def test_objects_of_a_megabyte_are_saved_and_restored_in_bounded_memory(
        count: int, spare_ark: Ark, name: str) -> None:
    ark = spare_ark
    ark.make_namespace(name)
    ark.make_all([config_map(name, f"big-{number}", size=1_000_000) for number in range(count)])
    ark.backup(name, includedNamespaces=[name])
    runner = ark.start("backup", name)
    assert runner.wait(200) == 0, runner.text
    assert ark.status("Backup", name)["phase"] == "Completed"
    assert len([path for path in ark.items(name) if "/big-" in path]) == count
    assert runner.peak_kib / 1024 < MAX_MIB, f"backup: {runner.peak_kib / 1024:.0f} MiB"
    kept = ark.got(config_map(name, "big-7"))
    for number in range(count):
        ark.remove(config_map(name, f"big-{number}"))
    ark.restore(name, name)
    runner = ark.start("restore", name)
    assert runner.wait(200) == 0, runner.text
    assert ark.status("Restore", name)["phase"] == "Completed", runner.text
    assert ark.got(config_map(name, "big-7"))["data"] == kept["data"]
    assert runner.peak_kib / 1024 < MAX_MIB, f"restore: {runner.peak_kib / 1024:.0f} MiB"
