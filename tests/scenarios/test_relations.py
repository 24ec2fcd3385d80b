"""Relation extraction end to end: its generated sample, trained, bundled, run in the sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import in_torch
import numpy as np
import pandas as pd
import project
import pytest
from declared import KERNELS

from foldship import competitions
from foldship.modelling import reading, store

KLUE = competitions.get(KERNELS, "klue_re")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    root = project.create(tmp_path_factory.mktemp("project"), tiny_backbone)
    model = {
        "backbone": str(tiny_backbone),
        # Short enough that sentences are cut around their entities.
        "towers": [{"segments": ["question", "typed"], "max_tokens": 80, "budgets": [24, None]}],
        "segment_ids": True,
        "pooling": ["cls", "first:subject", "mean:object"],
        "features": {"categories": ["types"]},
        "head": {"hidden": 32, "dropout": 0.0, "restrict": "types", "cascade": "no_relation"},
        "stages": [{"train": "full", "epochs": 3, "encoder_lr": 0.003, "head_lr": 0.003}],
    }
    project.declare(root, "klue_re", experiment={"models": {"tiny": model}, "postprocess": {"kinds": []}})
    result = project.here(root, "submission", "--competition", "klue_re")
    assert result.returncode == 0, result.stderr + result.stdout
    return root


def test_the_submission_is_the_competitions(finished: Path) -> None:
    assert json.loads((finished / "build/klue_re/simulation/verdict.json").read_text())["passed"]
    wanted = pd.read_csv(finished / "build/klue_re/sample/sample_submission.csv")
    found = pd.read_csv(finished / "build/klue_re/simulation/submission.csv")
    assert list(found.columns) == ["id", "pred_label", "probs"]
    assert list(found["id"]) == list(wanted["id"])
    likely = np.array([json.loads(cell) for cell in found["probs"]])
    assert likely.shape == (len(wanted), 30)
    np.testing.assert_allclose(likely.sum(axis=1), 1, atol=1e-4)
    assert [KLUE.task.targets[place] for place in likely.argmax(axis=1)] == list(found["pred_label"])
    assert found["pred_label"].nunique() > 3


def test_the_kernel_computes_what_training_measured(finished: Path) -> None:
    model_dir = finished / "weights/klue_re/tiny"
    table, _ = KLUE.task.read_test(finished / "build/klue_re/sample")
    rows = pd.concat(table.chunks())
    card = store.load_card(model_dir)
    tokenizer = model_dir / store.TOKENIZER
    encoded, _ = reading.read_rows(rows, card.task, tokenizer, card.encoding, card.features)
    assert encoded.marks is not None and (encoded.lengths == 80).any()
    for place in encoded.index[:, 0]:
        own = encoded.marks[encoded.offsets[place] : encoded.offsets[place + 1]]
        assert (own & 1).any() and (own & 2).any()  # both entities, however long the sentence
    written = pd.read_csv(finished / "build/klue_re/simulation/submission.csv").set_index("id")
    found = np.array([json.loads(cell) for cell in written.loc[rows["id"], "probs"]])
    np.testing.assert_allclose(found, in_torch.mean_of_folds(model_dir, rows), atol=3e-3)


def test_a_malformed_row_costs_only_itself(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "input"
    folder.mkdir()
    sample = finished / "build/klue_re/sample"
    test = pd.read_csv(sample / "test.csv", dtype=str)
    test.loc[3, "subject_entity"] = "nobody"
    test.loc[5, "sentence"] = None
    test.to_csv(folder / "test.csv", index=False)
    (folder / "sample_submission.csv").write_bytes((sample / "sample_submission.csv").read_bytes())
    before = pd.read_csv(finished / "build/klue_re/simulation/submission.csv").set_index("id")
    result = project.here(finished, "simulate", "--competition", "klue_re", "--input", str(folder))
    assert result.returncode == 0, result.stderr + result.stdout
    after = pd.read_csv(finished / "build/klue_re/simulation/submission.csv").set_index("id")
    others = [name for place, name in enumerate(test["id"]) if place not in (3, 5)]
    one, other = (
        np.array([json.loads(cell) for cell in table.loc[others, "probs"]]) for table in (before, after)
    )
    np.testing.assert_allclose(one, other, atol=1e-5)
