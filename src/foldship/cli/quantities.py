"""Numbers on the command line, with advice where they are written as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import click

SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "hours": 3600, "d": 86400}
GIBIBYTES = {"g": 1.0, "gb": 1.0, "gib": 1.0, "mib": 1 / 1024, "mb": 1 / 1024, "m": 1 / 1024}
_PART = re.compile(r"([0-9]*\.?[0-9]+)\s*([a-z]+)")


class Quantity(click.FloatRange):
    """A finite number above 0.

    Args:
        unit: that it is in, for messages.
        units: what other units are in this one.
    """

    name = "float"

    def __init__(self, unit: str, units: Mapping[str, float]) -> None:
        super().__init__(0, min_open=True)
        self._unit, self._units = unit, units

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; what has a unit is refused with the number that it stands for."""
        try:
            number: float = super().convert(value, param, ctx)
        except click.BadParameter as error:
            meant = self._meant(str(value))
            advice = f" write {meant:g}, in {self._unit}" if meant else f" write a number of {self._unit}"
            self.fail(error.message.rstrip(".") + ":" + advice, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number

    def _meant(self, text: str) -> float:
        parts = _PART.findall(text.lower().replace(",", ""))
        rest = _PART.sub("", text.lower().replace(",", "")).strip()
        if rest or not parts or any(unit not in self._units for _, unit in parts):
            return 0.0
        return sum(float(number) * self._units[unit] for number, unit in parts)


LIMIT = Quantity("seconds", SECONDS)
MEMORY = Quantity("GiB", GIBIBYTES)
PROCESSORS = Quantity("processors", {})
