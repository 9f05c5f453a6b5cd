"""A namespace with so much in it that its backup and restore can be caught halfway."""

from __future__ import annotations

import base64
import random

from tests.environment import own

NAMESPACE, COUNT = own("ark-e2e-many"), 100


def noisy_config_maps(count: int) -> dict[str, str]:
    """Names and texts, each of 200 kB that cannot be compressed to less than three quarters. The same every time."""
    return {f"c{number:04}": base64.b64encode(random.Random(number).randbytes(150_000)).decode()
            for number in range(count)}
