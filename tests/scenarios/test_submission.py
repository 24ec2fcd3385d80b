"""The main job: from train.csv to a submission that the sealed kernel wrote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import in_torch
import numpy as np
import pandas as pd
import project
import pytest
from declared import quest

from foldship.modelling import store
from foldship_kernel import manifest, postprocess

TARGETS = list(quest.targets)


def sample(root: Path) -> Path:
    """A copy of the sample data outside `build/`, so that nothing there has to be written."""
    folder = root / "sample"
    if not folder.is_dir():
        shutil.copytree(root / "build/quest/sample", folder)
    return folder


def test_every_check_of_the_rehearsal_passes(finished: Path) -> None:
    verdict = json.loads((finished / "build/quest/simulation/verdict.json").read_text())
    assert verdict["passed"], verdict
    assert verdict["isolation"]["mechanism"] != "none"


def test_the_submission_has_the_samples_ids_and_columns(finished: Path) -> None:
    template = pd.read_csv(finished / "build/quest/sample/sample_submission.csv")
    submission = pd.read_csv(finished / "build/quest/simulation/submission.csv")
    assert list(submission.columns) == list(template.columns)
    assert submission["qa_id"].tolist() == template["qa_id"].tolist()
    assert (submission[TARGETS].nunique() > 1).all()


def test_the_kernel_computes_what_training_measured(finished: Path) -> None:
    """The trained folds in torch, adapters unmerged, give the submission that the sealed kernel wrote."""
    model_dir = finished / "weights/quest/tiny"
    table, _ = quest.read_test(finished / "build/quest/sample")
    rows = pd.concat(table.chunks())
    mean = in_torch.mean_of_folds(model_dir, rows)
    steps = json.loads((finished / "build/quest/selection/selection.json").read_text())["steps"]
    expected, _ = postprocess.apply(pd.DataFrame(mean, columns=TARGETS), steps)
    written = pd.read_csv(finished / "build/quest/simulation/submission.csv", dtype={"qa_id": str})
    found = written.set_index("qa_id").loc[rows["qa_id"], TARGETS]
    np.testing.assert_allclose(found, expected[TARGETS], atol=3e-3)


def test_folds_keep_questions_together(finished: Path) -> None:
    (path,) = (finished / "weights/quest/folds").glob("*.csv")
    folds = pd.read_csv(path, dtype=str)
    assert (folds.groupby("group")["fold"].nunique() == 1).all()


def test_two_builds_are_byte_identical(finished: Path) -> None:
    build = finished / "build/quest"
    first = digests(build, "kernel", "dataset")
    for part in ("export", "schedule"):
        shutil.rmtree(build / part)
    result = project.here(finished, "bundle")
    assert result.returncode == 0, result.stderr
    assert digests(build, "kernel", "dataset") == first


def digests(folder: Path, *parts: str) -> dict[str, str]:
    """SHA-256 of the files below some parts of a folder, by path below it."""
    return {
        path.relative_to(folder).as_posix(): manifest.sha256(path)
        for part in parts
        for path in (folder / part).rglob("*")
        if path.is_file()
    }


def test_a_full_disk_leaves_the_earlier_bundle(finished: Path) -> None:
    build = finished / "build/quest"
    others = " ".join(f"{build}/{name}" for name in ("simulation", "sample", "push"))
    disk = project.Disk(build, spare=2000, before=f"rm -rf {others}")
    result = project.foldship(finished, "bundle", "--data", str(sample(finished)), disk=disk)
    assert result.returncode == 1
    assert "error: " in result.stderr and "space" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr
    left = {path: digest for path, digest in project.listing(result.stdout).items() if digest}
    assert left == digests(build, "dataset", "kernel", "export", "selection", "schedule")


def test_too_little_space_is_said_before_a_fold_is_trained(finished: Path) -> None:
    weights = finished / "weights/quest"
    disk = project.Disk(weights, spare=3000, before=f"rm {weights}/tiny/fold1/receipt.json")
    result = project.foldship(finished, "train", disk=disk)
    assert result.returncode == 1
    assert "fold 0: finished before, kept" in result.stdout
    assert "too little disk space" in result.stderr and "fix:" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr
    left = project.listing(result.stdout)
    whole = digests(weights, "tiny/fold0", "folds")
    assert {path: left.get(path) for path in whole} == whole


def test_a_disk_that_fills_during_training_loses_no_finished_fold(finished: Path) -> None:
    weights = finished / "weights/quest"
    # Another program fills the disk as soon as training has begun to write.
    fill = (
        f"rm {weights}/tiny/fold1/receipt.json; "
        f"(while [ ! -e {weights}/tiny/fold1/stage0 ]; do sleep 0.02; done; "
        f"dd if=/dev/zero of={weights}/filler bs=64k 2>/dev/null) &"
    )
    result = project.foldship(finished, "train", disk=project.Disk(weights, spare=60_000, before=fill))
    assert result.returncode == 1
    assert "the disk is full" in result.stderr and "goes on from the last checkpoint" in result.stderr
    assert "Traceback" not in result.stderr
    left = project.listing(result.stdout)
    whole = digests(weights, "tiny/fold0", "folds")
    assert {path: left.get(path) for path in whole} == whole


def test_no_write_permission_is_said(finished: Path) -> None:
    disk = project.Disk(finished / "build/quest", spare=None)
    result = project.foldship(finished, "bundle", "--data", str(sample(finished)), disk=disk)
    assert result.returncode == 1
    assert "error: " in result.stderr and "fix:" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr


def test_weights_of_another_recipe_are_not_bundled(finished: Path) -> None:
    recipe = finished / "kernels/quest/recipes/other.yaml"
    recipe.write_text("models: {tiny: {batch_size: 7}}")
    result = project.here(finished, "bundle", "--recipe", "other")
    assert result.returncode == 1
    assert "other settings than recipe 'other'" in result.stderr


@pytest.mark.parametrize("setting", ["seed: 77", "folds: {seed: 77}"])
def test_weights_of_another_split_or_seed_are_not_bundled(finished: Path, setting: str) -> None:
    (finished / "kernels/quest/recipes/redrawn.yaml").write_text(setting)
    result = project.here(finished, "bundle", "--recipe", "redrawn")
    assert result.returncode == 1
    assert "another seed or other folds than recipe 'redrawn'" in result.stderr


def test_truncated_weights_stop_the_bundle(finished: Path) -> None:
    path = finished / "weights/quest/tiny/fold1" / store.WEIGHTS
    whole = path.read_bytes()
    bundle = digests(finished / "build/quest", "dataset")
    try:
        path.write_bytes(whole[: len(whole) // 2])
        result = project.here(finished, "bundle")
    finally:
        path.write_bytes(whole)
    assert result.returncode == 1
    assert str(path) in result.stderr and "run `make train` again" in result.stderr
    assert digests(finished / "build/quest", "dataset") == bundle


def test_a_wrong_training_file_is_explained_and_nothing_is_lost(finished: Path, tmp_path: Path) -> None:
    sample = (finished / "build/quest/sample/train.csv").read_text().splitlines(keepends=True)
    (tmp_path / "train.csv").write_text("".join([*sample[:1], *sample[1:2], *sample[1:2]]))
    before = digests(finished / "weights/quest", "tiny")
    result = project.here(finished, "train", "--data", str(tmp_path))
    assert result.returncode == 1
    assert str(tmp_path / "train.csv") in result.stderr and "fix:" in result.stderr
    assert digests(finished / "weights/quest", "tiny") == before


def test_a_run_is_projected_to_the_hidden_set_on_another_machine(finished: Path, simulation: Path) -> None:
    dataset = finished / "build/quest/dataset"
    contents = json.loads((dataset / "bundle.json").read_text())
    wishes = ("--rows", "3000", "--profile", "t4x2", "--cpus", "1")
    result = project.here(finished, "simulate", *wishes, "--margin", "0.5")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "On t4x2, 3,000 rows take about" in " ".join(result.stdout.split())
    verdict = json.loads((simulation / "verdict.json").read_text())
    found = verdict["projection"]
    assert (found["profile"], found["rows"]) == ("t4x2", 3000)
    assert len(found["score_against_time"]) == len(contents["schedule"])
    assert found["expected_score"] == found["score_against_time"][-1]["score"]
    assert verdict["checks"]["margin"]["passed"]
    assert verdict["limits"]["cpus"] == 1
    result = project.here(finished, "simulate", "--rows", "2000000000")
    assert result.returncode == 1
    verdict = json.loads((simulation / "verdict.json").read_text())
    assert [name for name, check in verdict["checks"].items() if check["passed"] is False] == ["margin"]


def test_a_kernel_that_measures_the_machine_is_made_and_a_bad_profile_refused(
    finished: Path, tmp_path: Path
) -> None:
    result = project.here(finished, "calibrate")
    assert result.returncode == 0, result.stderr
    assert "kaggle kernels push -p" in result.stdout
    assert (finished / "build/quest/calibration/main.py").is_file()
    (tmp_path / "profile.yaml").write_text("devices: many")
    result = project.here(finished, "calibrate", "--import", str(tmp_path / "profile.yaml"))
    assert result.returncode == 1
    assert "devices: " in result.stderr and "'many'" in result.stderr and "Traceback" not in result.stderr
