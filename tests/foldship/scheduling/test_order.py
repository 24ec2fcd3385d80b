from __future__ import annotations

from collections.abc import Mapping

from foldship.scheduling.order import greedy, in_turn

FAST = {"a": 1.0, "b": 1.0}


def named(folds: Mapping[str, int], seconds: Mapping[str, float], scores: Mapping[str, float]) -> list[str]:
    """The order, with scores given by how many folds of "a" and "b" there are."""
    steps = greedy(folds, seconds, lambda counts: scores[f"{counts['a']}{counts['b']}"])
    return [f"{step.model}{step.number} {step.score:.2f}" for step in steps]


SCORES = {"10": 0.4, "01": 0.3, "20": 0.42, "11": 0.44, "02": 0.33, "21": 0.45, "12": 0.46, "22": 0.47}


def test_what_gains_most_per_second_comes_first() -> None:
    assert named({"a": 2, "b": 2}, FAST, SCORES) == ["a0 0.40", "b0 0.44", "b1 0.46", "a1 0.47"]
    slow_b = {"a": 1.0, "b": 100.0}
    assert named({"a": 2, "b": 2}, slow_b, SCORES) == ["a0 0.40", "a1 0.42", "b0 0.45", "b1 0.47"]
    slow_a = {"a": 100.0, "b": 1.0}
    assert named({"a": 2, "b": 2}, slow_a, SCORES) == ["b0 0.30", "b1 0.33", "a0 0.46", "a1 0.47"]


def test_what_gains_nothing_comes_last_and_the_score_never_falls() -> None:
    harmful = {"10": 0.4, "01": 0.3, "20": 0.41, "11": 0.38, "21": 0.4, "30": 0.411, "31": 0.405}
    cheap_b = {"a": 1.0, "b": 0.9}
    assert named({"a": 3, "b": 1}, cheap_b, harmful) == ["a0 0.40", "a1 0.41", "a2 0.41", "b0 0.41"]


def test_where_further_folds_count_for_nothing_models_take_turns() -> None:
    flat = dict.fromkeys(("11", "21", "12", "22"), 0.44) | {"10": 0.4, "01": 0.3, "20": 0.4, "02": 0.3}
    assert named({"a": 2, "b": 2}, FAST, flat) == ["a0 0.40", "b0 0.44", "a1 0.44", "b1 0.44"]


def test_scores_below_nothing_are_told_as_they_are() -> None:
    assert named({"a": 1, "b": 0}, FAST, {"10": -0.1}) == ["a0 -0.10"]


def test_without_scores_each_model_gets_its_turn_the_quickest_first() -> None:
    steps = in_turn({"a": 2, "b": 1, "c": 2}, {"a": 3.0, "b": 1.0, "c": 2.0})
    assert [(step.model, step.number) for step in steps] == [("b", 0), ("c", 0), ("a", 0), ("c", 1), ("a", 1)]
    assert all(step.score is None for step in steps)
