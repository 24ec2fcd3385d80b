"""The kernel's work in this process, with the folds' outputs given."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_bundle
from declared import quest

from foldship_kernel import manifest, run
from foldship_kernel.blend import Blend
from foldship_kernel.deadline import Deadline
from foldship_kernel.units import Unit, order

ROWS = 6
FOLDS = ["a fold 0", "b fold 0", "a fold 1"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bundle.build(tmp_path_factory.mktemp("bundle"), models={"a": 2, "b": 1}).dataset


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    return tiny_bundle.write_input(tmp_path / "input", ROWS)


@pytest.fixture
def working(tmp_path: Path) -> Path:
    (tmp_path / "working").mkdir()
    return tmp_path / "working"


@pytest.fixture
def kernel(dataset: Path, inputs: Path, working: Path, tmp_path: Path) -> run.Kernel:
    deadline = Deadline(time.monotonic(), 1000.0)
    kernel = run.Kernel(dataset / "bundle.json", inputs, working, tmp_path, deadline)
    kernel.fall_back()
    return kernel


@pytest.fixture
def units(dataset: Path) -> list[Unit]:
    loaded = manifest.load(dataset / "bundle.json")
    ordered = order(loaded.models, loaded.schedule)
    assert sorted(map(str, ordered)) == sorted(FOLDS)
    return ordered


def outputs(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(ROWS, len(quest.targets)))


def facts(working: Path) -> dict[str, Any]:
    return json.loads((working / "foldship.json").read_text())


def test_folds_that_were_not_reached_are_never_complete(
    kernel: run.Kernel, units: list[Unit], working: Path
) -> None:
    kernel._accept(units[0], outputs(0))
    assert kernel.finish() == 0
    assert facts(working)["status"] == "partial"
    assert facts(working)["folds_used"] == [str(units[0])]
    assert facts(working)["folds_left_out"] == dict.fromkeys(map(str, units[1:]), "failed: not reached")


def test_a_fold_left_out_is_on_record_at_once(kernel: run.Kernel, units: list[Unit], working: Path) -> None:
    kernel._leave_out(units[0], "failed: RuntimeError()")
    assert facts(working)["folds_left_out"] == {str(units[0]): "failed: RuntimeError()"}


def test_a_fold_that_could_not_be_written_has_no_part_in_later_submissions(
    kernel: run.Kernel,
    units: list[Unit],
    working: Path,
    inputs: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(kernel._submission, "write", refuse)
        with pytest.raises(OSError, match="no space"):
            kernel._accept(units[0], outputs(0))
    kernel._accept(units[1], outputs(1))
    assert facts(working)["folds_used"] == [str(units[1])]
    found = tiny_bundle.check_submission(working, inputs)
    np.testing.assert_allclose(found[list(quest.targets)], outputs(1))


def test_a_hair_above_the_range_is_within_it(
    kernel: run.Kernel, units: list[Unit], working: Path, inputs: Path
) -> None:
    values = outputs(0)
    values[0], values[1] = np.nextafter(1.0, 2.0), -1e-17
    kernel._accept(units[0], values)
    found = tiny_bundle.check_submission(working, inputs)[list(quest.targets)].to_numpy()
    assert (found[0] == 1).all() and (found[1] == 0).all()


def test_post_processing_that_cannot_be_applied_leaves_raw_predictions(
    kernel: run.Kernel, units: list[Unit], working: Path, inputs: Path
) -> None:
    wrong = ({"kind": "unheard of", "target": quest.targets[0]},)
    blends = tuple(dataclasses.replace(blend, postprocess=wrong) for blend in kernel._manifest.blends)
    kernel._mixer._manifest = kernel._manifest = dataclasses.replace(kernel._manifest, blends=blends)
    for place, unit in enumerate(units):
        kernel._accept(unit, outputs(place))
    assert kernel.finish() == 0
    assert facts(working)["status"] == "complete"
    assert sum("NOT POST-PROCESSED" in note for note in facts(working)["notes"]) == 1
    assert facts(working)["score"] is None  # what was expected is not what was submitted
    tiny_bundle.check_submission(working, inputs)


def test_each_set_of_models_has_its_own_weights_and_post_processing(
    kernel: run.Kernel, units: list[Unit], working: Path, inputs: Path
) -> None:
    clip = {"kind": "clip", "target": quest.targets[0], "low": 0.5, "high": None}
    uneven = {"a": 0.75, "b": 0.25}
    blends = [
        Blend(("b",), {"b": 1.0}, (clip,), 0.2),
        Blend(("a", "b"), uneven, (), 0.3),
    ]
    kernel._mixer._manifest = kernel._manifest = dataclasses.replace(kernel._manifest, blends=tuple(blends))
    a0, b0, a1 = (next(unit for unit in units if str(unit) == name) for name in FOLDS)
    columns = list(quest.targets)

    kernel._accept(b0, outputs(0))
    found = tiny_bundle.check_submission(working, inputs)[columns].to_numpy()
    np.testing.assert_allclose(found[:, 0], np.maximum(outputs(0)[:, 0], 0.5))
    np.testing.assert_allclose(found[:, 1:], outputs(0)[:, 1:])
    kernel._accept(a1, outputs(1))
    kernel._accept(a0, outputs(2))
    found = tiny_bundle.check_submission(working, inputs)[columns].to_numpy()
    np.testing.assert_allclose(found, 0.25 * outputs(0) + 0.375 * (outputs(1) + outputs(2)))


def test_what_belongs_to_the_group_is_the_mean_of_its_rows_before_post_processing(
    kernel: run.Kernel, units: list[Unit], working: Path, inputs: Path
) -> None:
    clip = {"kind": "clip", "target": quest.targets[0], "low": 0.5, "high": None}
    blends = (Blend(("a", "b"), {"a": 0.75, "b": 0.25}, (clip,), 0.3, group_mean=1.0),)
    kernel._mixer._manifest = kernel._manifest = dataclasses.replace(kernel._manifest, blends=blends)
    kernel._groups = np.array([0, 0, 1, 2, 1, 0])
    for place, unit in enumerate(units):
        kernel._accept(unit, outputs(place))
    found = tiny_bundle.check_submission(working, inputs)[list(quest.targets)].to_numpy()
    sums: dict[str, np.ndarray] = {"a": np.zeros_like(found), "b": np.zeros_like(found)}
    for place, unit in enumerate(units):
        sums[unit.model.name] += outputs(place)
    expected = 0.75 * sums["a"] / 2 + 0.25 * sums["b"]
    last = len(quest.group_targets)
    for rows in ([0, 1, 5], [2, 4]):
        expected[rows, :last] = expected[rows, :last].mean(axis=0)
    expected[:, 0] = np.maximum(expected[:, 0], 0.5)
    np.testing.assert_allclose(found, expected)


def test_the_expected_score_is_that_of_what_was_submitted(
    kernel: run.Kernel, units: list[Unit], working: Path
) -> None:
    assert facts(working)["score"] is None  # no model yet
    kernel._accept(units[0], outputs(0))
    assert facts(working)["score"] == kernel._manifest.schedule[0].score
    kernel._accept(units[2], outputs(2))  # the second one was left out: no longer a beginning of the schedule
    assert facts(working)["score"] == kernel._manifest.blend_for(["a", "b"]).score
    kernel._accept(units[1], outputs(1))
    assert facts(working)["score"] == kernel._manifest.schedule[2].score


def test_a_fold_that_was_read_shorter_counts_as_part_of_one(
    kernel: run.Kernel, units: list[Unit], working: Path
) -> None:
    for number, unit in enumerate(units):
        kernel.journal.runs.append({"fold": str(unit), "longest": 32 if number == 2 else None})
        kernel._accept(unit, outputs(number))
    assert facts(working)["score"] == kernel._manifest.schedule[1].score
    assert kernel.finish() == 0
    assert facts(working)["status"] == "partial"
    assert facts(working)["folds_cut"] == [str(units[2])]
    assert any(f"{units[2]}: read shorter" in note for note in kernel.journal.notes)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
def test_no_disk_or_memory_for_a_first_submission_is_an_error_with_a_fix(
    dataset: Path,
    inputs: Path,
    working: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    def refuse(_: run.Kernel) -> None:
        raise error

    monkeypatch.setattr(run, "_end_with_parent", lambda: None)
    monkeypatch.setattr(run.Kernel, "fall_back", refuse)
    arguments = [str(dataset / "bundle.json"), *map(str, (inputs, working, inputs.parent)), "0", "1000"]
    assert run.main(arguments) == 1
    printed = capsys.readouterr().out
    assert f"error: {working}: " in printed and "fix:" in printed and "Traceback" not in printed


def test_a_second_worker_goes_on_where_the_first_was_killed(
    kernel: run.Kernel,
    dataset: Path,
    units: list[Unit],
    working: Path,
    inputs: Path,
    tmp_path: Path,
) -> None:
    kernel._accept(units[0], outputs(0))
    before = (working / "submission.csv").read_bytes()
    deadline = Deadline(time.monotonic(), 1000.0)
    second = run.Kernel(dataset / "bundle.json", inputs, working, tmp_path, deadline)
    second.fall_back()
    assert (working / "submission.csv").read_bytes() == before
    second.predict(frugal=True)
    ran = facts(working)["folds_used"]
    assert ran == [str(unit) for unit in units]
    assert [entry["fold"] for entry in second.journal.runs] == ran[1:]


def test_rows_that_only_some_models_have_read_are_blended_from_those(
    kernel: run.Kernel, units: list[Unit], working: Path, inputs: Path
) -> None:
    """As it happens where the metric judges rows one by one, and a fold was stopped half way."""
    first, second = outputs(0), outputs(1)
    first[4:] = np.nan
    second[2:] = np.nan
    kernel._accept(units[0], first)
    found = tiny_bundle.check_submission(working, inputs)[list(quest.targets)].to_numpy()
    np.testing.assert_allclose(found[:4], first[:4])
    assert facts(working)["score"] is None  # nobody has measured such a mixture
    kernel._accept(units[1], second)
    found = tiny_bundle.check_submission(working, inputs)[list(quest.targets)].to_numpy()
    np.testing.assert_allclose(found[:2], (first[:2] + second[:2]) / 2)
    np.testing.assert_allclose(found[2:4], first[2:4])
