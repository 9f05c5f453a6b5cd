"""How the tests are run: what must not meet in two workers does not, and the last lines are honest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.report import Report
from tests.suite import summary

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
USERS_OF_A_SECOND_CLUSTER = [path for path in sorted(TESTS.rglob("test_*.py"))
                             if re.search(r"^from tests\.e2e\.second import ", path.read_text(), re.M)]
USERS_OF_THE_SHOP = [path for path in sorted(TESTS.rglob("test_*.py")) if path not in USERS_OF_A_SECOND_CLUSTER
                     and re.search(r"^from tests\.e2e\.shop import .*\bShop\b", path.read_text(), re.M)]


@pytest.mark.parametrize("path", USERS_OF_THE_SHOP, ids=lambda path: path.name)
def test_there_is_one_shop_so_its_tests_share_a_worker(path: Path) -> None:
    assert 'mark.xdist_group("shop")' in path.read_text() or "mark.alone" in path.read_text()


@pytest.mark.parametrize("path", USERS_OF_A_SECOND_CLUSTER, ids=lambda path: path.name)
def test_there_is_one_second_cluster_so_its_tests_share_a_worker(path: Path) -> None:
    assert 'mark.xdist_group("second")' in path.read_text()


def test_the_summary_counts_over_both_passes_and_says_what_did_not_run() -> None:
    first = Report(passed=2, failed=["t::a"], seconds={"t::a": 3.0, "t::b": 1.0}, not_run={"no node: x": 4})
    second = Report(passed=1, seconds={"t::c": 2.0}, not_run={"no node: x": 1, "the moon is full": 1})
    assert summary(first + second, seconds=6.4) == [
        "", "the 3 slowest tests:", "    3.0 s  t::a", "    2.0 s  t::c", "    1.0 s  t::b", "",
        "FAILED t::a", "1 failed, 3 passed in 6 s",
        "not run: 5 tests (no node: x)", "not run: 1 test (the moon is full)"]


@pytest.mark.parametrize("flags", [(), ("-n", "2", "--dist=loadgroup")], ids=["one by one", "in workers"])
def test_a_test_that_skips_itself_is_counted_with_its_reason(tmp_path: Path, flags: tuple[str, ...]) -> None:
    path = tmp_path / "test_moon.py"
    path.write_text('import pytest\ndef test_a():\n    pytest.skip("the moon is full")\ndef test_b():\n    pass\n')
    done = _run(path, *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not run: 1 test (the moon is full)" in done.stdout


def test_the_tests_of_a_module_and_of_a_group_run_in_one_worker(tmp_path: Path) -> None:
    for module, group in (("one", "both"), ("two", "both"), ("three", "")):
        mark = f'pytestmark = pytest.mark.xdist_group("{group}")\n' if group else ""
        (tmp_path / f"test_{module}.py").write_text(
            f'import os, pytest\n{mark}@pytest.mark.parametrize("number", range(8))\ndef test_it(number):\n'
            f'    open({str(tmp_path / (group or module))!r}, "a").write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")\n')
    done = _run(tmp_path, "-n", "3", "--dist=loadgroup")
    assert done.returncode == 0, done.stdout + done.stderr
    for group in ("both", "three"):
        assert len(set((tmp_path / group).read_text().split())) == 1


def _run(path: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("ARK_", "PYTEST_"))}
    return subprocess.run([sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", str(ROOT / "setup.cfg"),
                           "-p", "no:cacheprovider", *flags, str(path)], cwd=ROOT, env=plain, text=True,
                          capture_output=True, timeout=120, check=False)
