from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_bundle
from clock import Clock
from declared import quest

from foldship_kernel import devices, governor, loading, manifest, parts, predict
from foldship_kernel.budget import TokenBudget
from foldship_kernel.deadline import Deadline
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.engines.base import CPU, CUDA
from foldship_kernel.features import FeatureSpec
from foldship_kernel.fold import Progress
from foldship_kernel.governor import Governor, work
from foldship_kernel.intake import Intake, Reading
from foldship_kernel.journal import Journal
from foldship_kernel.units import Unit, order

WIDTH = 384
WORK = 9816348672.0  # operations of the 20 rows' distinct sequences, see the first test
COST = manifest.Cost(2, WIDTH, 4 * WIDTH, 60.0, 64)


@pytest.fixture
def clock() -> Clock:
    return Clock()


GPU_SPEED = 100


class FakeFold:
    """A fold that takes `speeds` seconds over all rows on a CPU, by the name of its encoder's folder."""

    clock: Clock
    speeds: Mapping[str, float]
    wrong: Mapping[str, object]
    wrong_on_gpu: Mapping[str, object]
    opened: list[str]

    def __init__(
        self,
        encoder: Path,
        encoder_cpu: Path,
        head: Path,
        *,
        gpus: int,
        cpu_engine: str,
        workers: int | None,
    ) -> None:
        self._name = f"{encoder.parent.name}/{encoder.stem}"
        self.opened.append(self._name)
        self._gain = GPU_SPEED if gpus else 1
        self.provider = CUDA if gpus else "OpenVINO bf16" if cpu_engine.startswith("openvino") else CPU
        self.budgets = (64, 128)

    def predict(
        self,
        encoded: EncodedRows,
        features: np.ndarray,
        spec: EncodingSpec,
        *,
        budget: TokenBudget,
        progress: Progress,
    ) -> np.ndarray:
        speed = self.speeds[self._name.split("/")[0]] / self._gain
        for length in sorted(encoded.lengths, reverse=True):
            lengths = np.array([length])
            self.clock.now += speed * work(lengths, COST) / WORK
            progress(lengths)
        wrong = (self.wrong if self.provider == CPU else self.wrong_on_gpu).get(self._name)
        if isinstance(wrong, Exception):
            raise wrong
        logits = np.zeros((len(encoded.index), len(quest.targets)), dtype=np.float32)
        if wrong is not None:
            logits[0, 0] = np.nan
        return logits


def model(name: str, folds: int, engine: str = "onnxruntime") -> manifest.ModelEntry:
    return manifest.ModelEntry(
        name=name,
        tokenizer="tokenizer.json",
        encoding=EncodingSpec.from_dict(tiny_bundle.ENCODING),
        features=FeatureSpec.from_dict(tiny_bundle.FEATURES),
        score=0.3,
        folds=tuple(
            manifest.FoldEntry(k, f"{name}/{k}.onnx", f"{name}/{k}.cpu.onnx", f"{name}/head{k}.onnx", ())
            for k in range(folds)
        ),
        cost=COST,
        cpu_engine=engine,
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
        task: Any,
    ) -> None:
        intake = take_in(tmp_path)
        FakeFold.clock, FakeFold.speeds, FakeFold.wrong = clock, speeds, wrong
        FakeFold.wrong_on_gpu = wrong_on_gpu or {}
        FakeFold.opened = []
        gpus = 0 if wrong_on_gpu is None else 1
        deadline = Deadline(0.0, limit_s, clock)
        self.journal = Journal(tmp_path / "foldship.json", deadline)
        self.governor = Governor(deadline)
        self.predictor = predict.Predictor(
            parts.alone(tmp_path), task, intake, gpus, self.governor, self.journal
        )
        self.finished: list[str] = []
        self.outputs: list[np.ndarray] = []
        self.refused: dict[str, Exception] = {}

    def run(self, *models: manifest.ModelEntry) -> dict[str, str]:
        left_out: dict[str, str] = {}
        self.predictor.run(
            order(models, ()),
            self._accept,
            lambda unit, reason: left_out.update({str(unit): reason}),
        )
        return left_out

    def _accept(self, unit: Unit, outputs: np.ndarray) -> None:
        if str(unit) in self.refused:
            raise self.refused[str(unit)]
        self.finished.append(str(unit))
        self.outputs.append(outputs)


def take_in(tmp_path: Path) -> Intake:
    (tmp_path / "tokenizer.json").write_bytes(tiny_bundle.TOKENIZER.read_bytes())
    rows, _ = quest.read_test(tiny_bundle.write_input(tmp_path / "input", 20))
    return Intake(quest, rows, [reading(tmp_path)])


def reading(tmp_path: Path) -> Reading:
    any_model = model("any", 1)
    return Reading(tmp_path / any_model.tokenizer, any_model.encoding, any_model.features)


@pytest.fixture
def scene(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loading, "Fold", FakeFold)

    def make(
        limit_s: float,
        wrong: Mapping[str, object] | None = None,
        wrong_on_gpu: Mapping[str, object] | None = None,
        task: Any = quest,
        **speeds: float,
    ) -> Scene:
        return Scene(tmp_path, clock, limit_s, speeds, wrong or {}, wrong_on_gpu, task)

    return make


def test_the_rows_hold_as_much_work_as_these_tests_count_with(tmp_path: Path) -> None:
    lengths = take_in(tmp_path).encode(reading(tmp_path)).lengths
    assert work(lengths, COST) == pytest.approx(WORK, rel=1e-6)


def test_folds_run_in_the_order_of_the_schedule_and_unknown_ones_last() -> None:
    planned = [("b", 1), ("a", 0), ("gone", 0), ("b", 0)]
    schedule = [manifest.ScheduledUnit(name, fold, 1.0, None) for name, fold in planned]
    units = order([model("a", 2), model("b", 3)], schedule)
    assert [str(unit) for unit in units] == ["b fold 1", "a fold 0", "b fold 0", "a fold 1", "b fold 2"]


def test_with_time_enough_every_fold_runs(scene) -> None:
    stage = scene(1000.0, a=0.01)
    assert stage.run(model("a", 3)) == {}
    assert stage.finished == ["a fold 0", "a fold 1", "a fold 2"]
    assert stage.journal.facts["provider"] == CPU


def test_folds_that_do_not_fit_are_not_begun(scene, clock: Clock) -> None:
    stage = scene(100.0, a=40.0)  # two folds of 40 s fit into 96 s, a third does not
    left_out = stage.run(model("a", 5))
    assert stage.finished == ["a fold 0", "a fold 1"]
    assert list(left_out) == ["a fold 2", "a fold 3", "a fold 4"]
    assert all(reason.startswith("no time") for reason in left_out.values())
    assert clock.now == pytest.approx(80)


def test_a_slow_model_is_given_up_early_and_a_fast_one_still_runs(scene, clock: Clock) -> None:
    stage = scene(100.0, fast=10.0, slow=200.0)
    left_out = stage.run(model("fast", 2), model("slow", 2))
    assert stage.finished == ["fast fold 0", "fast fold 1"]
    assert set(left_out) == {"slow fold 0", "slow fold 1"}
    assert clock.now < 60


def test_if_not_even_one_fold_fits_the_rows_are_read_shorter(scene, clock: Clock) -> None:
    stage = scene(100.0, a=120.0)
    left_out = stage.run(model("a", 2))
    assert stage.finished == ["a fold 0"]
    assert list(left_out) == ["a fold 1"]
    assert clock.now < 98
    assert any("reading at most" in note for note in stage.journal.notes)


class Slowing(dict[str, float]):
    """Speeds of a machine that takes twice as long after the first time."""

    def __getitem__(self, name: str) -> float:
        speed = super().__getitem__(name)
        self.setdefault(f"{name}, later", 2 * speed)
        self[name] = super().__getitem__(f"{name}, later")
        return speed


def test_if_the_machine_slows_down_the_rows_are_read_shorter_still(
    scene, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governor, "SHORTEST", 8)
    stage = scene(100.0, a=130.0)
    FakeFold.speeds = Slowing(a=130.0)
    assert stage.run(model("a", 1)) == {}
    assert stage.finished == ["a fold 0"]
    assert FakeFold.opened == ["a/0"]  # kept from one attempt to the next
    assert sum("reading at most" in note for note in stage.journal.notes) == 2
    assert clock.now < 98


def test_time_left_over_goes_to_a_fold_read_shorter_if_it_is_not_cut_too_much(scene, clock: Clock) -> None:
    stage = scene(100.0, a=55.0)  # 96 s may be planned with: a second fold lacks 14 s
    left_out = stage.run(model("a", 3))
    assert stage.finished == ["a fold 0", "a fold 1"] and list(left_out) == ["a fold 2"]
    whole, cut = stage.journal.runs
    assert whole["longest"] is None and cut["longest"] < COST.longest
    assert 0.5 * whole["predict_s"] < cut["predict_s"] < 41
    assert any("no other fold fits" in note for note in stage.journal.notes)
    clock.now = 0.0
    stage = scene(100.0, a=70.0)  # it would lack 44 s of 70
    assert list(stage.run(model("a", 3))) == ["a fold 1", "a fold 2"]
    assert stage.finished == ["a fold 0"]
    assert clock.now == pytest.approx(70)


def test_if_there_is_hopelessly_little_time_no_fold_runs(scene) -> None:
    stage = scene(100.0, a=1e5)
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
    stage = scene(1000.0, {}, {"a/1": wrong}, a=1.0)
    assert stage.run(model("a", 4)) == {}
    assert stage.finished == ["a fold 0", "a fold 1", "a fold 2", "a fold 3"]
    assert stage.journal.facts["provider"] == CPU
    assert sum("FAILED ON THE GPU" in note for note in stage.journal.notes) == 1
    assert clock.now == pytest.approx(2 / GPU_SPEED + 3)


def test_after_a_gpu_has_failed_the_speed_is_measured_anew(scene, clock: Clock) -> None:
    stage = scene(100.0, {}, {"a/1": "NaN"}, a=60.0)
    left_out = stage.run(model("a", 4))
    assert stage.finished == ["a fold 0", "a fold 1"]
    assert all(reason.startswith("no time: it needs 60 s") for reason in left_out.values())
    assert list(left_out) == ["a fold 2", "a fold 3"]
    assert clock.now == pytest.approx(61.2)


def test_what_takes_too_long_on_a_gpu_is_not_tried_on_the_cpu(scene) -> None:
    stage = scene(100.0, {}, {}, a=1e7)
    assert stage.run(model("a", 1)).keys() == {"a fold 0"}
    assert stage.predictor._loader.gpus == 1


def test_a_provider_other_than_wanted_is_said_loudly(scene) -> None:
    stage = scene(1000.0, a=0.001)
    stage.journal.facts["accelerator"] = "gpu"
    stage.run(model("a", 2))
    assert sum("RUNNING ON CPUExecutionProvider" in note for note in stage.journal.notes) == 1


def test_shortened_towers_keep_what_is_short_already() -> None:
    spec = EncodingSpec.from_dict(tiny_bundle.ENCODING).shortened(50)
    assert [tower.max_tokens for tower in spec.towers] == [48, 50]


def test_the_next_fold_is_loaded_while_one_runs_and_only_once(scene) -> None:
    stage = scene(1000.0, a=0.01)
    stage.run(model("a", 3))
    assert stage.finished == ["a fold 0", "a fold 1", "a fold 2"]
    assert sorted(FakeFold.opened) == ["a/0", "a/1", "a/2"]


def test_a_fold_that_is_being_loaded_ahead_is_not_loaded_again(scene) -> None:
    stage = scene(1000.0, a=1.0)
    first, second = model("a", 2).folds
    loader = stage.predictor._loader
    loader.open(model("a", 2), first)
    for _ in range(2):
        loader.load_ahead(model("a", 2), second)
    loader.open(model("a", 2), second)
    loader._thread.shutdown()
    assert FakeFold.opened == ["a/0", "a/1"]


def test_what_will_not_fit_is_not_loaded_ahead(scene) -> None:
    stage = scene(100.0, a=70.0)
    stage.run(model("a", 3))
    assert FakeFold.opened == ["a/0"]


def test_without_memory_for_two_no_fold_is_loaded_ahead(scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "free_memory", lambda: 0)
    loaders: list[str] = []
    plain = FakeFold.__init__

    def watched(self: FakeFold, *paths: Path, **options: Any) -> None:
        loaders.append(threading.current_thread().name)
        plain(self, *paths, **options)

    monkeypatch.setattr(FakeFold, "__init__", watched)
    stage = scene(1000.0, a=0.01)
    stage.run(model("a", 3))
    assert len(loaders) == 3 and set(loaders) == {threading.current_thread().name}


def test_what_fails_on_an_optional_engine_runs_on_onnx_runtime(scene) -> None:
    stage = scene(1000.0, {}, None, a=0.001)
    FakeFold.wrong_on_gpu = {"a/0": "NaN"}  # of any provider but ONNX Runtime's CPU
    assert stage.run(model("a", 2, engine="openvino")) == {}
    assert [run["provider"] for run in stage.journal.runs] == [CPU, CPU]
    assert sum("FAILED ON openvino" in note for note in stage.journal.notes) == 1


def test_half_a_fold_counts_only_where_the_metric_judges_rows_one_by_one(
    scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "SHARD_ROWS_ROWWISE", 4)
    monkeypatch.setattr(predict, "SHARD_ROWS", 4)
    # The second fold is slower than the first made believe, and is stopped half way.
    for allowed in (True, False):
        stage = scene(100.0, task=replace(quest, rowwise=allowed), a=30.0, b=100.0)
        left_out = stage.run(model("a", 1), model("b", 1))
        if allowed:
            assert stage.finished == ["a fold 0", "b fold 0"] and left_out == {}
            reached = np.isfinite(stage.outputs[1]).all(axis=1)
            assert 0 < reached.sum() < len(reached)
            assert np.isfinite(stage.outputs[0]).all()
        else:
            assert stage.finished == ["a fold 0"]
            assert left_out["b fold 0"].startswith("no time")
        FakeFold.clock.now = 0.0


@pytest.mark.parametrize("speeds", [{"a": 10.0, "b": 25.0}, {"a": 40.0, "b": 5.0}])
def test_more_time_never_costs_a_fold_that_comes_first(
    scene, clock: Clock, speeds: Mapping[str, float]
) -> None:
    """With more time, folds are only lost to such that come earlier, since they gain more."""
    names = ["a fold 0", "b fold 0", "a fold 1", "b fold 1"]
    before = [False] * len(names)
    for limit_s in (10, 15, 20, 25, 35, 50, 75, 100, 150, 250):
        clock.now = 0.0
        stage = scene(float(limit_s), **speeds)
        stage.run(model("a", 2), model("b", 2))
        used = [name in stage.finished for name in names]
        assert used >= before, limit_s
        assert clock.now < limit_s
        before = used
    assert all(before)


def test_a_model_whose_speed_is_unknown_does_not_hide_one_that_can_be_read_shorter(scene) -> None:
    stage = scene(100.0, a=200.0, b=150.0)
    known, unknown = order([model("b", 1), model("a", 1)], ())
    for unit in (known, unknown):
        stage.predictor._work(unit.model)
    stage.governor.speed("b").rate = WORK / 150
    alone = stage.predictor._next_longest([known])
    assert stage.predictor._next_longest([unknown, known]) == alone > 0
