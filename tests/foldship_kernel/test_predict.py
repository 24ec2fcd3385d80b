from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tiny_bundle

from foldship_kernel import engine, manifest, predict
from foldship_kernel.deadline import Deadline
from foldship_kernel.encode import EncodedRows, EncodingSpec
from foldship_kernel.features import FeatureSpec
from foldship_kernel.journal import Journal
from foldship_kernel.tasks import quest


class Clock:
    """Stands in for `time.monotonic`."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


GPU_SPEED = 100


class FakeFold:
    """A fold that takes `speeds` seconds a token on a CPU, by the name of its encoder's folder."""

    clock: Clock
    speeds: Mapping[str, float]
    wrong: Mapping[str, object]
    wrong_on_gpu: Mapping[str, object]

    def __init__(self, encoder: Path, encoder_cpu: Path, head: Path, *, gpus: int) -> None:
        self._name = f"{encoder.parent.name}/{encoder.stem}"
        self._speed = self.speeds[encoder.parent.name] / (GPU_SPEED if gpus else 1)
        self.provider = engine.CUDA if gpus else engine.CPU

    def predict(
        self,
        encoded: EncodedRows,
        features: np.ndarray,
        *,
        pad_id: int,
        segment_ids: bool,
        progress: engine.Progress,
    ) -> np.ndarray:
        for length in sorted(encoded.lengths, reverse=True):
            self.clock.now += self._speed * length
            progress(int(length))
        wrong = (self.wrong if self.provider == engine.CPU else self.wrong_on_gpu).get(self._name)
        if isinstance(wrong, Exception):
            raise wrong
        logits = np.zeros((len(encoded.index), len(quest.TARGETS)), dtype=np.float32)
        if wrong is not None:
            logits[0, 0] = np.nan
        return logits


def model(name: str, folds: int) -> manifest.ModelEntry:
    return manifest.ModelEntry(
        name=name,
        tokenizer="tokenizer.json",
        encoding=EncodingSpec.from_dict(tiny_bundle.ENCODING),
        features=FeatureSpec.from_dict(tiny_bundle.FEATURES),
        score=0.3,
        cost=manifest.Cost(1, 8, 0, TOKENS / 20, 64),
        cpu_engine="onnxruntime",
        folds=tuple(
            manifest.FoldEntry(k, f"{name}/{k}.onnx", f"{name}/{k}.cpu.onnx", f"{name}/head{k}.onnx", ())
            for k in range(folds)
        ),
    )


class Scene:
    """A predictor over 20 rows, whose folds take as long as the scene says."""

    def __init__(
        self,
        tmp_path: Path,
        clock: Clock,
        limit_s: float,
        speeds: Mapping[str, float],
        wrong: Mapping[str, object],
        wrong_on_gpu: Mapping[str, object] | None,
    ) -> None:
        (tmp_path / "tokenizer.json").write_bytes(tiny_bundle.TOKENIZER.read_bytes())
        rows, _ = quest.read_test(tiny_bundle.write_input(tmp_path / "input", 20))
        FakeFold.clock, FakeFold.speeds, FakeFold.wrong = clock, speeds, wrong
        FakeFold.wrong_on_gpu = wrong_on_gpu or {}
        gpus = 0 if wrong_on_gpu is None else 1
        deadline = Deadline(0.0, limit_s)
        self.journal = Journal(tmp_path / "foldship.json", deadline)
        self.predictor = predict.Predictor(tmp_path, quest, rows, gpus, deadline, self.journal)
        self.finished: list[str] = []
        self.refused: dict[str, Exception] = {}

    def run(self, *models: manifest.ModelEntry) -> dict[str, str]:
        left_out: dict[str, str] = {}
        self.predictor.run(
            predict.order(models, ()),
            self._accept,
            lambda unit, reason: left_out.update({str(unit): reason}),
        )
        return left_out

    def _accept(self, unit: predict.Unit, outputs: np.ndarray) -> None:
        assert np.isfinite(outputs).all()
        if str(unit) in self.refused:
            raise self.refused[str(unit)]
        self.finished.append(str(unit))


@pytest.fixture
def scene(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine, "Fold", FakeFold)

    def make(
        limit_s: float,
        wrong: Mapping[str, object] | None = None,
        wrong_on_gpu: Mapping[str, object] | None = None,
        **speeds: float,
    ) -> Scene:
        return Scene(tmp_path, clock, limit_s, speeds, wrong or {}, wrong_on_gpu)

    return make


TOKENS = 1356  # that the 20 rows' distinct sequences hold, see the first test


def test_the_rows_hold_as_many_tokens_as_these_tests_count_with(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "tokenizer.json").write_bytes(tiny_bundle.TOKENIZER.read_bytes())
    rows, _ = quest.read_test(tiny_bundle.write_input(tmp_path / "input", 20))
    deadline = Deadline(0.0, 100.0)
    journal = Journal(tmp_path / "foldship.json", deadline)
    predictor = predict.Predictor(tmp_path, quest, rows, 0, deadline, journal)
    assert predictor._encode(model("any", 1)).lengths.sum() == TOKENS


def test_folds_run_in_the_order_of_the_schedule_and_unknown_ones_last() -> None:
    planned = [("b", 1), ("a", 0), ("gone", 0), ("b", 0)]
    schedule = [manifest.ScheduledUnit(name, fold, 1.0, None) for name, fold in planned]
    units = predict.order([model("a", 2), model("b", 3)], schedule)
    assert [str(unit) for unit in units] == ["b fold 1", "a fold 0", "b fold 0", "a fold 1", "b fold 2"]


def test_with_time_enough_every_fold_runs(scene) -> None:
    stage = scene(1000.0, a=0.01)
    assert stage.run(model("a", 3)) == {}
    assert stage.finished == ["a fold 0", "a fold 1", "a fold 2"]
    assert stage.journal.facts["provider"] == engine.CPU


def test_folds_that_do_not_fit_are_not_begun(scene, clock: Clock) -> None:
    stage = scene(100.0, a=40 / TOKENS)  # two folds of 40 s fit into 96 s, a third does not
    left_out = stage.run(model("a", 5))
    assert stage.finished == ["a fold 0", "a fold 1"]
    assert list(left_out) == ["a fold 2", "a fold 3", "a fold 4"]
    assert all(reason.startswith("no time") for reason in left_out.values())
    assert clock.now == pytest.approx(80)


def test_a_slow_model_is_given_up_early_and_a_fast_one_still_runs(scene, clock: Clock) -> None:
    stage = scene(100.0, fast=10 / TOKENS, slow=200 / TOKENS)
    left_out = stage.run(model("fast", 2), model("slow", 2))
    assert stage.finished == ["fast fold 0", "fast fold 1"]
    assert set(left_out) == {"slow fold 0", "slow fold 1"}
    assert clock.now < 60


def test_if_not_even_one_fold_fits_the_rows_are_read_shorter(scene, clock: Clock) -> None:
    stage = scene(100.0, a=120 / TOKENS)
    left_out = stage.run(model("a", 2))
    assert stage.finished == ["a fold 0"]
    assert list(left_out) == ["a fold 1"]
    assert clock.now < 98
    assert any("reading at most" in note for note in stage.journal.notes)


def test_if_there_is_hopelessly_little_time_no_fold_runs(scene) -> None:
    stage = scene(100.0, a=100.0)
    assert set(stage.run(model("a", 2))) == {"a fold 0", "a fold 1"}
    assert stage.finished == []


@pytest.mark.parametrize("wrong", [RuntimeError("CUDA error"), "NaN"])
def test_a_fold_that_fails_is_left_out_and_the_others_count(scene, wrong: object) -> None:
    stage = scene(1000.0, {"a/1": wrong}, a=0.001)
    left_out = stage.run(model("a", 3))
    assert stage.finished == ["a fold 0", "a fold 2"]
    assert list(left_out) == ["a fold 1"]
    assert left_out["a fold 1"].startswith("failed")
    assert any("a fold 1" in note for note in stage.journal.notes)


def test_a_fold_whose_submission_cannot_be_written_is_left_out_and_the_others_count(scene) -> None:
    stage = scene(1000.0, a=0.001)
    stage.refused = {"a fold 1": OSError("no space left"), "a fold 2": MemoryError()}
    left_out = stage.run(model("a", 4))
    assert stage.finished == ["a fold 0", "a fold 3"]
    assert left_out["a fold 1"].startswith("failed") and "no space left" in left_out["a fold 1"]
    assert left_out["a fold 2"].startswith("failed")


@pytest.mark.parametrize("wrong", [RuntimeError("CUDA failure 700"), "NaN"])
def test_what_fails_on_a_gpu_runs_on_the_cpu_and_so_does_the_rest(scene, clock: Clock, wrong: object) -> None:
    stage = scene(1000.0, {}, {"a/1": wrong}, a=1 / TOKENS)
    assert stage.run(model("a", 4)) == {}
    assert stage.finished == ["a fold 0", "a fold 1", "a fold 2", "a fold 3"]
    assert stage.journal.facts["provider"] == engine.CPU
    assert sum("FAILED ON THE GPU" in note for note in stage.journal.notes) == 1
    assert clock.now == pytest.approx(2 / GPU_SPEED + 3)


def test_after_a_gpu_has_failed_the_speed_is_measured_anew(scene, clock: Clock) -> None:
    stage = scene(100.0, {}, {"a/1": "NaN"}, a=50 / TOKENS)
    left_out = stage.run(model("a", 4))
    assert stage.finished == ["a fold 0", "a fold 1"]
    assert all(reason.startswith("no time: it needs 50 s") for reason in left_out.values())
    assert list(left_out) == ["a fold 2", "a fold 3"]
    assert clock.now == pytest.approx(51)


def test_what_takes_too_long_on_a_gpu_is_not_tried_on_the_cpu(scene) -> None:
    stage = scene(100.0, {}, {}, a=100.0)
    assert stage.run(model("a", 1)).keys() == {"a fold 0"}
    assert stage.predictor._gpus == 1


def test_a_provider_other_than_wanted_is_said_loudly(scene) -> None:
    stage = scene(1000.0, a=0.001)
    stage.journal.facts["accelerator"] = "gpu"
    stage.run(model("a", 2))
    assert sum("RUNNING ON CPUExecutionProvider" in note for note in stage.journal.notes) == 1


def test_shortened_towers_keep_what_is_short_already() -> None:
    spec = predict.shortened(EncodingSpec.from_dict(tiny_bundle.ENCODING), 50)
    assert [tower.max_tokens for tower in spec.towers] == [48, 50]
