"""How the tests are run: what must not meet in two workers does not, and the last lines are honest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.report import Report
from tests.suite import summary

TESTS = Path(__file__).resolve().parent
USERS_OF_THE_SHOP = [path for path in sorted(TESTS.rglob("test_*.py"))
                     if re.search(r"^from tests\.e2e\.shop import .*\bShop\b", path.read_text(), re.M)]


@pytest.mark.parametrize("path", USERS_OF_THE_SHOP, ids=lambda path: path.name)
def test_there_is_one_shop_so_its_tests_share_a_worker(path: Path) -> None:
    assert 'mark.xdist_group("shop")' in path.read_text() or "mark.alone" in path.read_text()


def test_the_summary_counts_over_both_passes_and_says_what_did_not_run() -> None:
    first = Report(passed=2, failed=["t::a"], seconds={"t::a": 3.0, "t::b": 1.0}, not_run={"no node: x": 4})
    second = Report(passed=1, seconds={"t::c": 2.0}, not_run={"no node: x": 1, "the moon is full": 1})
    assert summary(first + second, seconds=6.4) == [
        "", "the 3 slowest tests:", "    3.0 s  t::a", "    2.0 s  t::c", "    1.0 s  t::b", "",
        "FAILED t::a", "1 failed, 3 passed in 6 s",
        "not run: 5 tests (no node: x)", "not run: 1 test (the moon is full)"]
