from __future__ import annotations

from collections.abc import Callable

import pytest

from bench import timing
from bench.timing import Timing


def recorder(calls: list[str], name: str) -> Callable[[], int]:
    def call() -> int:
        calls.append(name)
        return len(calls)

    return call


def test_rounds_hold_every_task_once_and_begin_with_another() -> None:
    calls: list[str] = []
    tasks = {name: recorder(calls, name) for name in "abc"}
    warm_up = {name: recorder(calls, f"warm {name}") for name in "abc"}
    timed = timing.interleave(tasks, 3, warm_up=warm_up, describe="test", settle_s=0)
    assert calls == ["warm a", "warm b", "warm c", "b", "c", "a", "c", "a", "b", "a", "b", "c"]
    assert timed.outputs["a"] == [6, 8, 10]
    assert {name: len(seconds) for name, seconds in timed.seconds.items()} == {"a": 3, "b": 3, "c": 3}


@pytest.mark.parametrize("fails_at", [1, 2])
def test_what_fails_is_left_out_with_its_reason(fails_at: int) -> None:
    calls: list[str] = []

    def break_down() -> int:
        calls.append("bad")
        if len([call for call in calls if call == "bad"]) == fails_at:
            raise RuntimeError("broken")
        return 0

    tasks = {"good": recorder(calls, "good"), "bad": break_down}
    timed = timing.interleave(tasks, 2, warm_up=tasks, describe="test", settle_s=0)
    assert list(timed.seconds) == list(timed.outputs) == ["good"]
    assert timed.failures == {"bad": "failed: RuntimeError('broken')"}
    assert calls.count("bad") == fails_at
    assert calls.count("good") == 3


def test_the_median_counts_and_the_spread_is_a_share_of_it() -> None:
    timed: Timing[None] = Timing(seconds={"a": [4.0, 2.0, 100.0]})
    assert timed.median_s("a") == 4.0
    assert timed.spread("a") == 24.5
