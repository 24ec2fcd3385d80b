"""Techniques that meet in one bundle: the sealed kernel still computes what training measured."""

from __future__ import annotations

import json
from pathlib import Path

import in_torch
import numpy as np
import pandas as pd
import project
import pytest
import yaml
from declared import quest

from foldship.modelling import store
from foldship_kernel import blend, grouping, postprocess

TARGETS = list(quest.targets)
FULL = {"train": "full", "epochs": 1, "encoder_lr": 0.002, "head_lr": 0.003}
ADAPTER = {**FULL, "train": "adapter"}


def models(backbone: Path) -> dict[str, object]:
    """Three models that have as little in common as models can."""
    return {
        "windows": {
            "backbone": str(backbone),
            "towers": [
                {
                    "segments": ["question_title", "question_body"],
                    "max_tokens": 48,
                    "chunks": 2,
                    "stride": 30,
                },
                {"segments": ["question_title", "answer"], "max_tokens": 40, "chunks": 3},
            ],
            "cleaning": {"links": "host", "math": "mark", "code": "mark", "markup": True},
            "pooling": ["cls", "sep", "max", "lstm"],
            "features": {"categories": ["category"], "common": ["host"], "embedding": 3},
            "head": {"hidden": 8, "per_target": True, "dropout": 0.2, "samples": 2},
            "targets": "ordinal",
            "losses": [{"kind": "bce"}, {"kind": "soft_spearman", "weight": 0.1}],
            "averaging": {"kind": "ema", "decay": 0.9},
            "stages": [{**FULL, "max_tokens": 24, "layer_decay": 0.9}],
        },
        "student": {
            "backbone": str(backbone),
            "adaptation": {"epochs": 0.05, "max_tokens": 64},
            "towers": [{"segments": ["question_title", "question_body", "answer"], "max_tokens": 96}],
            "segment_ids": True,
            "pooling": ["layers_mean", "mean"],
            "features": {
                "counted": ["question_body", "answer"],
                "overlaps": [["question_body", "answer"]],
                "counts": "full",
            },
            "adapter": {"rank": 4, "targets": ["query", "value"]},
            "group_mean": 0.5,
            "targets": "rank",
            "r_drop": {"weight": 0.5},
            "pseudo_labels": {"teacher": "windows", "weight": 0.3},
            "stages": [{"train": "head", "epochs": 1, "head_lr": 0.003}, ADAPTER],
        },
        "lines": {
            "backbone": str(backbone),
            "towers": [
                {"segments": ["question_title", "question_body"], "max_tokens": 64},
                {"segments": ["answer"], "max_tokens": 64},
            ],
            "pooling": ["mean@0", "mean@1"],
            "features": {"categories": ["category"], "counted": ["answer"], "counts": "style"},
            "head": {"hidden": 0, "interactions": True},
            "targets": "rank",
            "stages": [{"train": "ridge"}],
        },
    }


@pytest.fixture(scope="module")
def packed(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = project.create(tmp_path_factory.mktemp("techniques"), tiny_backbone)
    experiment = {
        "competition": "quest",
        "folds": {"count": 3},
        "models": models(tiny_backbone),
        "blend": {
            "method": "stacking",
            "ranks": True,
            "per_column": True,
            "minimum_gain": 0.0,
            "group_mean": 0.5,
        },
        "postprocess": {"kinds": ["clip", "levels", "thresholds", "curve"], "minimum_gain": 0.0},
        "kernel": project.KERNEL,
    }
    (root / "kernels/quest/experiment.yaml").write_text(yaml.safe_dump(experiment, sort_keys=False))
    result = project.here(root, "submission")
    assert result.returncode == 0, result.stdout + result.stderr
    return root


def test_the_kernel_computes_what_training_measured(packed: Path) -> None:
    """The trained folds in torch, blended and post-processed, give what the sealed kernel wrote."""
    table, _ = quest.read_test(packed / "build/quest/sample")
    rows = pd.concat(table.chunks())
    selection = json.loads((packed / "build/quest/selection/selection.json").read_text())
    outputs = {name: predicted(packed / "weights/quest" / name, rows) for name in models(packed)}
    whole = blend.Blend.from_dict(selection["blends"][-1], selection["grids"], len(TARGETS))
    blended = blend.blend(outputs, whole.weights, whole.grids)
    places = grouping.columns(quest.group_targets, quest.targets, whole.group_mean)
    groups = pd.factorize(np.array(quest.groups(quest.normalised(rows), rows["qa_id"])))[0]
    blended = grouping.toward_mean(blended, groups, places, whole.group_mean)
    expected, _ = postprocess.apply(pd.DataFrame(blended, columns=TARGETS), whole.postprocess)
    written = pd.read_csv(packed / "build/quest/simulation/submission.csv", dtype={"qa_id": str})
    found = written.set_index("qa_id").loc[rows["qa_id"], TARGETS]
    # A prediction beside a threshold may fall on either side of it; where nearly all rows are tied, one that
    # does decides whether the guard lets the step be.
    apart = np.array([(expected[target] != expected[target].mode()[0]).sum() for target in TARGETS])
    far = np.abs(found.to_numpy() - expected[TARGETS].to_numpy())[:, apart > 2] > 5e-3
    assert far.shape[1] >= 25
    assert far.mean() < 0.01, far.sum(axis=0)


def test_all_of_it_is_in_the_bundle(packed: Path) -> None:
    selection = json.loads((packed / "build/quest/selection/selection.json").read_text())
    assert set(selection["weights"]) == set(models(packed)) == set(selection["grids"])
    assert selection["blend"]["method"] == "stacking"
    assert selection["blend"]["group_mean"] == 0.5
    assert selection["steps"]
    assert (packed / "weights/quest/adapted").is_dir()
    assert list((packed / "weights/quest/windows").glob("fold*/unlabelled.csv"))
    verdict = json.loads((packed / "build/quest/simulation/verdict.json").read_text())
    assert verdict["passed"], verdict


def predicted(folder: Path, rows: pd.DataFrame) -> np.ndarray:
    """A model's mean over its folds, of which there are three."""
    assert len(store.folds(folder)) == 3
    return in_torch.mean_of_folds(folder, rows)
