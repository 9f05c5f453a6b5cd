"""What ``make demo`` does once the cluster is up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.ark import Ark
from tests.e2e.bucket import Bucket

pytestmark = pytest.mark.node

ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_loses_its_shop_and_gets_it_back_with_its_data(ark: Ark) -> None:
    try:
        done = subprocess.run([sys.executable, "-m", "tests.demo"], cwd=ROOT, text=True, capture_output=True,
                              timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "The shop is back, with its data." in done.stdout
        assert "$ kubectl ark restore --from-backup demo-" in done.stdout
    finally:
        ark("uninstall", "--yes", "-n", "heptio-ark")
        Bucket(ark.cluster, "demo").remove()
