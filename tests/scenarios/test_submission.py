"""The main job: from train.csv to a submission that the sealed kernel wrote."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import project
import pytest

from foldship import receipts
from foldship.modelling import predict, reading, store
from foldship_kernel import postprocess
from foldship_kernel.tasks import base, quest

TARGETS = list(quest.TARGETS)


@pytest.fixture(scope="module")
def finished(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = project.create(tmp_path_factory.mktemp("project"), tiny_backbone)
    result = project.foldship(root, "submission")
    assert result.returncode == 0, result.stdout + result.stderr
    return root


def test_every_check_of_the_rehearsal_passes(finished: Path) -> None:
    verdict = json.loads((finished / "build/quest/simulation/verdict.json").read_text())
    assert verdict["passed"], verdict
    assert verdict["isolation"]["mechanism"] in {"bubblewrap", "unshare", "docker"}


def test_the_submission_has_the_samples_ids_and_columns(finished: Path) -> None:
    template = pd.read_csv(finished / "build/quest/sample/sample_submission.csv")
    submission = pd.read_csv(finished / "build/quest/simulation/submission.csv")
    assert list(submission.columns) == list(template.columns)
    assert submission["qa_id"].tolist() == template["qa_id"].tolist()
    assert (submission[TARGETS].nunique() > 1).all()


def test_the_kernel_computes_what_training_measured(finished: Path) -> None:
    """The trained folds in torch, adapters unmerged, give the submission that the sealed kernel wrote."""
    model_dir = finished / "weights/quest/tiny"
    rows, template = quest.read_test(finished / "build/quest/sample")
    card = store.load_card(model_dir)
    encoded, features = reading.read_rows(
        rows, quest, model_dir / store.TOKENIZER, card.encoding, card.features
    )
    outputs = []
    for fold in store.folds(model_dir):
        model = store.load_fold(model_dir, fold, attention="sdpa")
        vectors = predict.encode(model, encoded, pad_id=card.encoding.pad_id, segment_ids=False)
        outputs.append(base.activate(predict.logits(model, vectors, encoded, features), quest.ACTIVATION))
    steps = json.loads((finished / "build/quest/selection/selection.json").read_text())["steps"]
    expected, _ = postprocess.apply(pd.DataFrame(np.mean(outputs, axis=0), columns=TARGETS), steps)
    laid_out = quest.submission(template, list(rows["qa_id"]), expected[TARGETS].to_numpy())
    written = pd.read_csv(finished / "build/quest/simulation/submission.csv")
    np.testing.assert_allclose(written[TARGETS], laid_out[TARGETS], atol=3e-3)


def test_folds_keep_questions_together(finished: Path) -> None:
    (path,) = (finished / "weights/quest/folds").glob("*.csv")
    folds = pd.read_csv(path, dtype=str)
    assert (folds.groupby("group")["fold"].nunique() == 1).all()


def test_two_builds_are_byte_identical(finished: Path) -> None:
    folders = [finished / "build/quest" / name for name in ("kernel", "dataset", "export")]
    first = [receipts.digest_files(folder) for folder in folders[:2]]
    project.remove(folders[2])
    result = project.foldship(finished, "bundle")
    assert result.returncode == 0, result.stderr
    assert [receipts.digest_files(folder) for folder in folders[:2]] == first


def test_a_full_disk_leaves_the_earlier_bundle(finished: Path) -> None:
    build = finished / "build/quest"
    before = receipts.digest_files(build / "dataset", build / "kernel")
    # The same build on a disk that just holds what is there.
    shell = (
        f"cp -a {build} /tmp/.copy-$$; size=$(du -sk {build} | cut -f1); "
        f"mount -t tmpfs -o size=$((size + 2000))k none {build}; "
        f"cp -a /tmp/.copy-$$/. {build}; rm -r /tmp/.copy-$$"
    )
    result = project.foldship(finished, "bundle", shell=f"{shell}; trap 'ls -R {build}/dataset' EXIT")
    assert result.returncode != 0
    assert "error: " in result.stderr and "space" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr
    assert receipts.digest_files(build / "dataset", build / "kernel") == before


def test_a_full_disk_ends_training_with_a_clear_error_and_keeps_finished_folds(finished: Path) -> None:
    weights = finished / "weights/quest"
    shell = (
        f"cp -a {weights} /tmp/.copy-$$; size=$(du -sk {weights} | cut -f1); "
        f"mount -t tmpfs -o size=$((size + 3000))k none {weights}; "
        f"cp -a /tmp/.copy-$$/. {weights}; rm -r /tmp/.copy-$$; "
        f"rm {weights}/tiny/fold1/receipt.json"
    )
    result = project.foldship(finished, "train", shell=shell)
    assert result.returncode == 1
    assert "fold 0: finished before, kept" in result.stdout
    assert "too little disk space" in result.stderr and "fix:" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr


def test_no_write_permission_is_said(finished: Path) -> None:
    build = finished / "build"
    result = project.foldship(
        finished, "bundle", shell=f"mount -o bind {build} {build}; mount -o remount,bind,ro {build}"
    )
    assert result.returncode == 1
    assert "error: " in result.stderr and "fix:" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr


def test_truncated_weights_stop_the_bundle(finished: Path) -> None:
    path = finished / "weights/quest/tiny/fold1" / store.WEIGHTS
    whole = path.read_bytes()
    bundle = receipts.digest_files(finished / "build/quest/dataset")
    try:
        path.write_bytes(whole[: len(whole) // 2])
        result = project.foldship(finished, "bundle")
    finally:
        path.write_bytes(whole)
    assert result.returncode == 1
    assert str(path) in result.stderr and "run `make train` again" in result.stderr
    assert receipts.digest_files(finished / "build/quest/dataset") == bundle


def test_a_wrong_training_file_is_explained_and_nothing_is_lost(finished: Path, tmp_path: Path) -> None:
    sample = (finished / "build/quest/sample/train.csv").read_text().splitlines(keepends=True)
    (tmp_path / "train.csv").write_text("".join([*sample[:1], *sample[1:2], *sample[1:2]]))
    before = receipts.digest_files(finished / "weights/quest/tiny")
    result = project.foldship(finished, "train", "--data", str(tmp_path))
    assert result.returncode == 1
    assert str(tmp_path / "train.csv") in result.stderr and "fix:" in result.stderr
    assert receipts.digest_files(finished / "weights/quest/tiny") == before
