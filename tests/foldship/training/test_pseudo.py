from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fold_runner
import numpy as np
import pandas as pd
import pytest
from declared import quest
from model_settings import config
from safetensors.torch import load_file

from foldship.config.schema import Experiment
from foldship.folds import FOLD, GROUP
from foldship.modelling.store import OUT_OF_FOLD, WEIGHTS
from foldship.training import pseudo, run, stage
from foldship.training.job import FoldJob
from foldship.training.pseudo import PREDICTIONS, Unlabelled
from foldship_kernel.errors import FoldshipError

TARGETS = list(quest.targets)
LABELLED = 60
STAGE = {"train": "head", "epochs": 1, "head_lr": 5e-2}


def rows() -> tuple[pd.DataFrame, pd.DataFrame, Unlabelled]:
    """Labelled rows with their two folds, and 20 unlabelled rows, four of which share a group of fold 0."""
    every = fold_runner.rows(LABELLED + 20)
    labelled, rest = every.iloc[:LABELLED], every.iloc[LABELLED:].drop(columns=TARGETS)
    groups = [f"g{number // 3}" for number in range(LABELLED)]
    folds = pd.DataFrame({"qa_id": labelled["qa_id"], GROUP: groups})
    folds[FOLD] = [number // 3 % 2 for number in range(LABELLED)]
    unlabelled = rest.reset_index(drop=True)
    own = [f"u{number}" for number in range(16)]
    return labelled, folds, Unlabelled(unlabelled, pd.Series([*own, "g0", "g0", "g2", "g4"]))


def experiment(backbone: Path, **student: Any) -> Experiment:
    common = {
        "backbone": str(backbone),
        "towers": [{"segments": ["question_body"], "max_tokens": 32}],
        "head": {"hidden": 0, "dropout": 0.1},
        "stages": [STAGE],
        "precision": "fp32",
        "checkpoints_per_epoch": 1,
    }
    models = {
        "teacher": {**common, "targets": "rank"},
        "student": {**common, "pseudo_labels": {"teacher": "teacher", "weight": 0.5}, **student},
    }
    return Experiment.model_validate({"competition": "quest", "models": models})


def train(
    backbone: Path, weights: Path, labelled: pd.DataFrame | None = None, **student: Any
) -> dict[int, dict[str, np.ndarray]]:
    """The student's weights by fold."""
    plain, folds, unlabelled = rows()
    given = plain if labelled is None else labelled
    task: Any = quest
    run.run(task, experiment(backbone, **student), given, folds, weights, unlabelled=unlabelled)
    return {
        fold: {k: v.numpy() for k, v in load_file(weights / "student" / f"fold{fold}" / WEIGHTS).items()}
        for fold in (0, 1)
    }


def same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def trained(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = tmp_path_factory.mktemp("pseudo") / "quest"
    train(tiny_backbone, weights)
    return weights


def test_nothing_of_the_rows_held_out_reaches_the_student(
    tiny_backbone: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled, folds, _ = rows()
    before = train(tiny_backbone, trained)
    held_out = (folds[FOLD] == 0).to_numpy()
    changed = labelled.copy()
    changed.loc[held_out, TARGETS] = 1 - changed.loc[held_out, TARGETS]
    after = train(tiny_backbone, tmp_path / "quest", changed)
    assert same(before[0], after[0])
    assert not same(before[1], after[1])
    said = capsys.readouterr().out  # unlabelled rows of a group that is held out are left out
    assert "student fold 0: 30 rows to learn from, 30 held out, 16 pseudo-labelled" in said
    assert "student fold 1: 30 rows to learn from, 30 held out, 20 pseudo-labelled" in said


def test_what_is_finished_is_kept_and_what_is_not_comes_out_the_same(
    tiny_backbone: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = train(tiny_backbone, trained)
    assert capsys.readouterr().out.count("finished before, kept") == 4
    files = sorted(trained.glob(f"teacher/fold*/{PREDICTIONS}"))
    stamps = [path.stat().st_mtime_ns for path in files]
    assert len(files) == 2
    (trained / "student" / "fold1" / OUT_OF_FOLD).unlink()
    after = train(tiny_backbone, trained)
    assert "student fold 0: finished before, kept" in capsys.readouterr().out
    assert same(before[1], after[1])
    assert [path.stat().st_mtime_ns for path in files] == stamps


def test_a_student_reads_shorter_texts_of_the_same_rows(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, jobs = stage.train, []

    def watched(job: FoldJob, *given: Any) -> None:
        jobs.append(job)
        real(job, *given)

    monkeypatch.setattr(stage, "train", watched)
    labelled, folds, unlabelled = rows()
    task: Any = quest
    weights = tmp_path / "quest"
    run.run(task, experiment(tiny_backbone), labelled, folds, weights, jobs=1, unlabelled=unlabelled)
    for job in jobs:
        shorter, whole = job.shortened(10), job.train
        assert shorter.encoded.lengths.max() == 10 < whole.encoded.lengths.max() == 32
        assert job.shortened(32).encoded.lengths.max() == 32
        for name in ("features", "targets", "groups", "given"):
            np.testing.assert_array_equal(getattr(shorter, name), getattr(whole, name))
        for row in range(len(whole.features)):
            short, long = (d.encoded.sequence(d.encoded.index[row, 0]) for d in (shorter, whole))
            assert short[:4].tolist() == long[:4].tolist()
    assert [job.pseudo for job in jobs] == [0, 0, 16, 20]


def teaching(trained: Path) -> pseudo.Teaching:
    _, _, unlabelled = rows()
    task: Any = quest
    found = pseudo.teaching(config(pseudo_labels={"teacher": "teacher"}), task, trained, unlabelled)
    assert found is not None
    return found


def labels(given: pseudo.Teaching, held_out: int = 0) -> np.ndarray:
    labelled, folds, _ = rows()
    learn = (folds[FOLD] != 0).to_numpy()
    truth = labelled[TARGETS].to_numpy(np.float32)[learn]
    ids = labelled["qa_id"][(folds[FOLD] == held_out).to_numpy()]
    return given.labels(0, ids, truth, np.arange(len(truth)), np.array([], dtype=np.int64))


def test_pseudo_labels_are_on_the_scale_of_labels(trained: Path) -> None:
    labelled, folds, _ = rows()
    truth = labelled[TARGETS].to_numpy()[(folds[FOLD] != 0).to_numpy()]
    found = labels(teaching(trained))
    assert found.shape == (20, len(TARGETS))
    assert (found >= truth.min(axis=0) - 1e-6).all()
    assert (found <= truth.max(axis=0) + 1e-6).all()
    ranks = teaching(trained).predictions(0)[TARGETS].to_numpy()
    assert np.abs(found - ranks).max() > 0.05  # the teacher itself predicts ranks


def test_other_unlabelled_rows_are_predicted_anew(trained: Path, tmp_path: Path) -> None:
    given = teaching(trained)
    first = given.predictions(0)
    other = replace(given, unlabelled=Unlabelled(given.unlabelled.rows.iloc[:5], given.unlabelled.groups[:5]))
    assert other.fingerprint() != given.fingerprint()
    pd.testing.assert_frame_equal(other.predictions(0), first.iloc[:5], atol=1e-5)
    pd.testing.assert_frame_equal(given.predictions(0), first, atol=1e-5)


def test_a_teacher_of_other_folds_is_refused(trained: Path) -> None:
    with pytest.raises(FoldshipError, match="fold 0 of 'teacher' held out other rows"):
        labels(teaching(trained), held_out=1)


def test_without_rows_to_label_there_is_no_student(tiny_backbone: Path, tmp_path: Path) -> None:
    labelled, folds, _ = rows()
    task: Any = quest
    with pytest.raises(FoldshipError, match="there are no rows to label"):
        run.run(task, experiment(tiny_backbone), labelled, folds, tmp_path / "quest")


@pytest.mark.parametrize(("stages", "counts"), [("all", [7, 7]), ("first", [7, 4])])
def test_later_stages_can_do_without(stages: str, counts: list[int]) -> None:
    train: Any = SimpleNamespace(features=np.zeros((7, 0)))
    card: Any = SimpleNamespace(config=config(pseudo_labels={"teacher": "one", "stages": stages}))
    nothing: Any = None
    job = FoldJob(
        card,
        fold=0,
        train=train,
        held_out=nothing,
        score=nothing,
        folder=nothing,
        seed=0,
        shortened=nothing,
        frozen_vectors=nothing,
        pseudo=3,
    )
    assert [job.rows(number) for number in (0, 1)] == counts


def test_a_student_of_other_targets_learns_in_stages(tiny_backbone: Path, tmp_path: Path) -> None:
    found = train(
        tiny_backbone,
        tmp_path / "quest",
        targets="ordinal",
        sample_weights="group",
        stages=[STAGE, STAGE],
        pseudo_labels={"teacher": "teacher", "stages": "first"},
    )
    assert len(found[0]["head.head.layers.1.weight"]) > len(TARGETS)
    table = pd.read_csv(tmp_path / "quest" / "student" / OUT_OF_FOLD)
    assert list(table.columns) == ["qa_id", *TARGETS, FOLD]
    assert len(table) == LABELLED
    assert table[TARGETS].to_numpy().min() > 0
    assert table[TARGETS].to_numpy().max() < 1
