"""Cost model, calibration and projection, on numbers that can be checked by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from foldship.projection import bundle, calibration, outlook
from foldship.projection.cost import timeline
from foldship.projection.outlook import Target
from foldship.projection.profile import Profile
from foldship_kernel.errors import FoldshipError


def test_time_is_start_files_texts_and_arithmetic(bundle_path: Path, machine: Profile) -> None:
    steps = timeline(bundle.read(bundle_path), machine, rows=1000)
    # 10 s start, 36 s to verify; then a: 10 s texts, 10 s load, 50 s on two devices; b: 20, 10, 100 s.
    assert [step.seconds for step in steps] == pytest.approx(
        [46 + 10 + 10 + 50, 116 + 20 + 10 + 100, 246 + 60]
    )


def test_the_slow_end_of_every_figure_is_twice_as_slow(bundle_path: Path, machine: Profile) -> None:
    read = bundle.read(bundle_path)
    assert timeline(read, machine.at_worst(), 1000)[-1].seconds == pytest.approx(612)


def test_a_projection_says_time_margin_and_score(
    bundle_path: Path, machine: Profile, facts: dict[str, Any]
) -> None:
    found = outlook.project(bundle_path, Target("mine", machine, machine, 1000), 50, facts, 115.5)
    assert (found["profile"], found["rows"], found["seconds"]) == ("mine", 1000, 306)
    assert found["seconds_at_worst"] == 612
    assert found["margin"] == pytest.approx((1000 - 20 - 306) / 1000)  # 2% are kept in reserve
    assert found["expected_score"] == 0.36
    assert found["score_against_time"][1] == {"fold": "b fold 0", "seconds": 246.0, "score": 0.35}
    assert found["fits_memory"]


@pytest.mark.parametrize(
    ("limit_s", "score"), [(1000, 0.36), (260, 0.35), (245, 0.30), (110, None)]
)  # 246 s + 2% of 245 s are too much
def test_the_expected_score_is_that_of_the_last_fold_in_time(
    tmp_path: Path, manifest: dict[str, Any], machine: Profile, limit_s: float, score: float | None
) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps({**manifest, "limit_s": limit_s}))
    found = outlook.project(path, Target("mine", machine, machine, 1000), 50, {}, None)
    assert found["expected_score"] == score
    assert (found["margin"] < 0) is (limit_s < 306)
    assert found["measured_error"] is None


def test_a_rehearsals_own_tokens_per_row_count(
    bundle_path: Path, machine: Profile, facts: dict[str, Any]
) -> None:
    for run in facts["runs"]:
        run["tokens"] *= 2
    target = Target("mine", machine, machine, 1000)
    found = outlook.project(bundle_path, target, 50, facts, None)
    assert found["seconds"] == 306 + 200 + 30
    for run in facts["runs"]:
        run["longest"] = 3  # cut, so they say nothing about rows in full length
    assert outlook.project(bundle_path, target, 50, facts, None)["seconds"] == 306


def test_this_machine_is_measured_by_the_rehearsal(
    bundle_path: Path, machine: Profile, facts: dict[str, Any]
) -> None:
    found = calibration.local(bundle.read(bundle_path), calibration.read(facts), machine)
    assert found.flops_per_s.value == pytest.approx(machine.flops_per_s.value / 2)
    assert found.load_bytes_per_s.value == pytest.approx((3600 + 3000) / (36 + 30))
    assert found.tokens_per_s.value == pytest.approx(15_000 / 1.5)
    assert found.start_s.value == pytest.approx(8)


def test_what_few_rows_take_to_read_counts_to_the_start(
    bundle_path: Path, machine: Profile, facts: dict[str, Any]
) -> None:
    facts["phases"]["encode"] = 6.0  # 2,300 tokens a second, and 5,000 is the least believed
    found = calibration.local(bundle.read(bundle_path), calibration.read(facts), machine)
    assert found.tokens_per_s.value == 10_000
    assert found.start_s.value == pytest.approx(8 + 6.5 - 1.5)


def test_the_rehearsed_run_itself_is_projected_and_the_error_told(
    bundle_path: Path, machine: Profile, facts: dict[str, Any]
) -> None:
    target = Target("local", None, machine)
    found = outlook.project(bundle_path, target, 50, facts, 115.5)
    assert found["rows"] == 50
    assert found["seconds"] == pytest.approx(8 + 36 + 1.5 + 30 + 40)
    assert found["measured_error"] == pytest.approx(0, abs=1e-3)
    facts["runs"][0]["predict_s"] *= 2  # a first fold that was slow for once
    later = outlook.project(bundle_path, target, 50, facts, 125.5)
    assert later["measured_error"] == pytest.approx((115.5 + 40) / 125.5 - 1, abs=1e-3)


def test_no_error_is_told_for_a_run_that_was_cut_short(
    bundle_path: Path, machine: Profile, facts: dict[str, Any]
) -> None:
    facts["runs"][2]["longest"] = 3
    target = Target("mine", machine, machine)
    assert outlook.project(bundle_path, target, 50, facts, 115.5)["measured_error"] is None


@pytest.mark.parametrize("broken", [{"runs": []}, {"runs": None}, {"rows": 0}, {"phases": {"read": "soon"}}])
def test_without_any_measurement_this_machine_is_not_known(
    bundle_path: Path, machine: Profile, facts: dict[str, Any], broken: dict[str, Any]
) -> None:
    with pytest.raises(FoldshipError, match="measured nothing") as error:
        outlook.project(bundle_path, Target("local", None, machine), 50, {**facts, **broken}, None)
    assert "LIMIT=" in error.value.fix


def test_runs_of_another_bundle_calibrate_nothing(
    bundle_path: Path, machine: Profile, facts: dict[str, Any]
) -> None:
    for run in facts["runs"]:
        run["fold"] = "other fold 0"
    with pytest.raises(FoldshipError, match="not of this bundle"):
        outlook.project(bundle_path, Target("local", None, machine), 50, facts, None)


def as_gpu(tmp_path: Path, manifest: dict[str, Any]) -> Path:
    path = tmp_path / "gpu.json"
    path.write_text(json.dumps({**manifest, "accelerator": "gpu"}))
    return path


def test_a_bundle_for_a_gpu_is_projected_to_what_it_has_without_one_too(
    tmp_path: Path, manifest: dict[str, Any], machine: Profile, facts: dict[str, Any]
) -> None:
    path = as_gpu(tmp_path, manifest)
    slow = machine.model_copy(update={"devices": 1})
    found = outlook.project(path, Target("t4x2", machine, slow, 1000), 50, facts, 115.5)
    # On the GPU each fold loads 2100 bytes, on the processor 1000, which computes half as fast.
    assert found["seconds"] == 306 + 3 * 11
    without = found["without_gpu"]
    assert (without["profile"], without["seconds"]) == ("cpu", 306 + 50 + 100 + 50)
    assert without.keys() == found.keys() - {"measured_error", "without_gpu"}
    assert found["measured_error"] == pytest.approx(
        0, abs=0.2
    )  # of the run that was rehearsed, on a processor


@pytest.mark.parametrize(("name", "chosen"), [("cpu", True), ("local", False)])
def test_on_a_processor_there_is_one_projection_alone(
    tmp_path: Path, manifest: dict[str, Any], machine: Profile, facts: dict[str, Any], name: str, chosen: bool
) -> None:
    target = Target(name, machine if chosen else None, machine, 1000)
    found = outlook.project(as_gpu(tmp_path, manifest), target, 50, facts, 115.5)
    assert "without_gpu" not in found
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps(manifest))
    assert found == outlook.project(plain, target, 50, facts, 115.5)


def test_a_bundle_for_a_processor_has_one_projection_alone(
    bundle_path: Path, machine: Profile, facts: dict[str, Any]
) -> None:
    assert "without_gpu" not in outlook.project(
        bundle_path, Target("mine", machine, machine), 50, facts, 115.5
    )


def test_weights_larger_than_a_device_are_noticed(bundle_path: Path, machine: Profile) -> None:
    small = machine.memory_gib.model_copy(update={"value": 900 / 2**30})
    tight = machine.model_copy(update={"memory_gib": small})
    assert not outlook.project(bundle_path, Target("mine", tight, machine), 50, {}, None)["fits_memory"]


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"enable_gpu": False}, "cpu"),
        ({"enable_gpu": True}, "t4x2"),
        ({"enable_gpu": True, "machine_shape": "NvidiaTeslaT4"}, "t4x2"),
        ({"enable_gpu": True, "machine_shape": "NvidiaL4"}, "l4"),
        ({"enable_gpu": True, "machine_shape": "NvidiaL4X1"}, "l4"),
    ],
)
def test_the_machine_that_the_kernel_asks_for_is_projected_to(
    tmp_path: Path, metadata: dict[str, Any], name: str
) -> None:
    path = tmp_path / "kernel-metadata.json"
    path.write_text(json.dumps(metadata))
    assert outlook.default_profile(path) == name
    assert Target.named(name, tmp_path).profile is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"enable_gpu": true, "machine_shape": "NvidiaH100"}', "no profile for machine_shape 'NvidiaH100'"),
        ("{}", "does not say which machine"),
        ("[]", "does not say which machine"),
        ("{", "does not say which machine"),
    ],
)
def test_a_machine_that_is_not_known_is_said(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "kernel-metadata.json"
    path.write_text(text)
    with pytest.raises(FoldshipError, match=message):
        outlook.default_profile(path)
