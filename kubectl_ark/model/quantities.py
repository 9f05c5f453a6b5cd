"""Quantities as Kubernetes writes them: "100Gi", "1.5T", "500m", "1e9"."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,2}))?")
_FACTORS = {
    **{f"{letter}i": Decimal(1024 ** power) for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Decimal(1000 ** power) for power, letter in enumerate("kMGTPE", start=1)},
    **{letter: Decimal(1000) ** -power for power, letter in enumerate("mun", start=1)},
}


def parse(text: str) -> Decimal:
    """The number that a quantity means, of bytes where it is a size. Raises ValueError."""
    found = _QUANTITY.fullmatch(text.strip())
    if not found:
        raise ValueError(f'"{text}" is not a quantity such as 100Gi')
    number, suffix, exponent = found.groups()
    factor = _FACTORS[suffix] if suffix else Decimal(10) ** int(exponent or 0)
    return Decimal(number) * factor
