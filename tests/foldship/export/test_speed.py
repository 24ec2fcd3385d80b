from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from foldship.export import speed
from foldship.export.samples import Rows
from foldship_kernel.fold import Fold


class Runner:
    """Stands in for a fold: takes a set time a token on a clock of its own."""

    budgets = (512,)

    def __init__(self, clock: list[float], seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self.tokens: list[int] = []

    def predict(self, encoded: Any, *_: object, **__: object) -> None:
        tokens = int(encoded.lengths.sum())
        self.tokens.append(tokens)
        # What else the machine does comes and goes: every third run takes three times as long.
        self._clock[0] += tokens * self._seconds * (3 if len(self.tokens) % 3 == 0 else 1)


def test_all_run_the_same_rows_for_about_a_second_and_the_median_counts(
    graded_rows: Callable[[int], Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(speed, "time", SimpleNamespace(process_time=lambda: clock[0]))
    runners: dict[str, Any] = {"slow": Runner(clock, 1e-3), "fast": Runner(clock, 2e-4)}
    folds: dict[str, Fold] = runners
    found = speed.measure(folds, graded_rows(500), None)  # type: ignore[arg-type]
    assert found == pytest.approx({"slow": 1000, "fast": 5000})
    assert runners["slow"].tokens == runners["fast"].tokens
    assert len(runners["slow"].tokens) == 1 + speed.ROUNDS
    assert runners["slow"].tokens[-1] == pytest.approx(1000, rel=0.3)
