from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from declared import quest

from foldship.export import candidates, cpu_engine, parity, speed
from foldship.export.candidates import INT8, OPENVINO, OPENVINO_FP32, REFERENCE
from foldship.export.engine_trial import Trial
from foldship.export.samples import HeldOut
from foldship_kernel.errors import FoldshipError

TARGETS = ("first", "second")
CARD: Any = SimpleNamespace(name="some", targets=TARGETS, encoding=None, task=quest)
TRAINED = np.random.default_rng(0).uniform(0.2, 0.8, size=(300, 2))
TRUTH = TRAINED + np.random.default_rng(1).normal(scale=0.2, size=TRAINED.shape)
LADDER, SAMPLE = SimpleNamespace(name="ladder"), SimpleNamespace(name="sample")


class Draft:
    """A fold whose engines are off by a set amount of noise."""

    def __init__(self, fold: int, noise: dict[str, float]) -> None:
        self.fold, self.fused, self._noise = fold, TRAINED, noise

    def open(self, candidate: candidates.Candidate) -> float:
        return self._noise.get(candidate.name, 0.0)


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Choose among engines of set speed and noise."""

    def run(
        speeds: dict[str, float],
        noise: dict[str, float] | None = None,
        wanted: str = "auto",
        absent: str = "",
        before: Sequence[Trial] = (),
    ) -> tuple[candidates.Candidate, dict[str, Trial]]:
        def outputs(card: Any, graphs: float, rows: Any) -> np.ndarray:
            return TRAINED + np.random.default_rng(2).normal(scale=graphs or 1e-9, size=TRAINED.shape)

        monkeypatch.setattr(parity, "outputs", outputs)
        monkeypatch.setattr(speed, "measure", lambda folds, *_: {name: speeds[name] for name in folds})
        monkeypatch.setattr(
            candidates, "obstacle", lambda candidate: "not here" if candidate.name == absent else ""
        )
        drafts: Any = [Draft(fold, noise or {}) for fold in range(2)]
        samples: Any = dict.fromkeys(range(2), HeldOut(SAMPLE, TRUTH, TRAINED))  # type: ignore[arg-type]
        rows: Any = LADDER
        chosen, trials = cpu_engine.choose(CARD, rows, drafts, samples, wanted, before)
        return chosen, {trial.engine: trial for trial in trials}

    return run


def speeds(openvino: float, int8: float, openvino_fp32: float = 1000.0) -> dict[str, float]:
    return {
        REFERENCE.name: 1000.0,
        OPENVINO_FP32.name: openvino_fp32,
        OPENVINO.name: openvino,
        INT8.name: int8,
    }


@pytest.mark.parametrize(
    ("openvino_fp32", "openvino", "int8", "expected"),
    [
        (1000, 2000, 1500, OPENVINO),
        (1100, 1100, 1100, REFERENCE),  # within what timings vary by
        (1200, 1300, 900, OPENVINO_FP32),
        (1200, 2000, 2200, OPENVINO),
        (1200, 2000, 2400, INT8),
        (900, 900, 1200, INT8),
    ],
)
def test_the_fastest_is_chosen_if_it_is_clearly_faster(
    choose: Any, openvino_fp32: float, openvino: float, int8: float, expected: candidates.Candidate
) -> None:
    measured = speeds(openvino, int8, openvino_fp32)
    chosen, trials = choose(measured)
    assert chosen is expected
    assert [name for name, trial in trials.items() if trial.verdict == "chosen"] == [expected.name]
    assert {name: trial.tokens_per_second for name, trial in trials.items()} == measured


def test_what_changes_the_ranks_is_rejected_and_the_next_is_taken(choose: Any) -> None:
    chosen, trials = choose(speeds(2000, 3000), {INT8.name: 0.03, OPENVINO.name: 1e-4})
    assert chosen is OPENVINO
    rejected = trials[INT8.name]
    assert rejected.verdict.startswith("rejected: it ")
    assert rejected.lowest_rank < cpu_engine.LOWEST_RANK
    assert rejected.difference > 0.03
    assert trials[OPENVINO.name].trained_spearman == pytest.approx(rejected.trained_spearman)


def test_what_costs_score_is_rejected_though_it_ranks_alike(
    choose: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_engine, "LARGEST_DROP", -1.0)
    chosen, trials = choose(speeds(2000, 100))
    assert chosen is REFERENCE
    assert "lowers the score" in trials[OPENVINO.name].verdict


def test_a_rung_that_breaks_rejects_and_names_the_fold(choose: Any) -> None:
    chosen, trials = choose(speeds(2000, 100), {OPENVINO.name: 0.5})
    assert chosen is REFERENCE
    assert "fold 0, OpenVINO on CPU" in trials[OPENVINO.name].verdict


def test_an_engine_that_is_absent_is_no_candidate_and_that_is_said(choose: Any) -> None:
    chosen, trials = choose(speeds(9000, 1000), absent=OPENVINO.name)
    assert chosen is REFERENCE
    assert trials[OPENVINO.name].verdict == "not here"
    assert trials[OPENVINO.name].tokens_per_second is None


def test_what_is_asked_for_is_taken_untimed_or_refused(choose: Any) -> None:
    chosen, trials = choose({}, wanted=REFERENCE.name)
    assert chosen is REFERENCE and list(trials) == [REFERENCE.name]
    chosen, trials = choose({}, wanted=INT8.name)
    assert chosen is INT8 and trials[INT8.name].verdict == "asked for"
    with pytest.raises(FoldshipError, match="onnxruntime-int8 cannot be used"):
        choose({}, {INT8.name: 0.03}, wanted=INT8.name)
    with pytest.raises(FoldshipError, match="not here"):
        choose({}, wanted=OPENVINO.name, absent=OPENVINO.name)


def test_without_the_library_openvino_is_no_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "foldship_kernel.engines.open_vino", raising=False)
    monkeypatch.delitem(sys.modules, "foldship_kernel.engines.open_vino_fp32", raising=False)
    monkeypatch.setitem(sys.modules, "openvino", None)
    for candidate in (OPENVINO, OPENVINO_FP32):
        assert "cannot be used here" in candidates.obstacle(candidate)
    assert candidates.obstacle(INT8) == ""


def test_what_was_chosen_before_is_kept_whatever_is_measured_today(choose: Any) -> None:
    first, trials = choose(speeds(2000, 100))
    again, kept = choose(speeds(100, 9000), before=list(trials.values()))
    assert again is first is OPENVINO
    assert kept == trials


@pytest.mark.parametrize("fault", [{"absent": OPENVINO.name}, {"noise": {OPENVINO.name: 0.5}}])
def test_what_was_chosen_before_and_is_not_good_here_is_chosen_anew(
    choose: Any, fault: dict[str, Any]
) -> None:
    _, trials = choose(speeds(2000, 100))
    again, _ = choose(speeds(2000, 1500), before=list(trials.values()), **fault)
    assert again is INT8
