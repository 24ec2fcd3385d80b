"""A competition that nobody wrote code for: declared in YAML, trained, bundled, run in the sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import project
import pytest

CLASSES = ["praise", "complaint", "question"]
WORDS = {
    "praise": ["lovely", "great", "best", "thank"],
    "complaint": ["broken", "late", "refund", "never"],
    "question": ["when", "how", "where", "which"],
}
COMPETITION: dict[str, Any] = {
    "title": "Reviews",
    "id": "key",
    "texts": {"review": "{title}: {body}", "title": "{title}"},
    "categories": ["shop"],
    "group": ["review"],
    "targets": {"column": "kind", "classes": CLASSES},
    "metric": {"name": "micro_f1", "without": ["praise"]},
    "also": ["auprc", "log_loss"],
    "files": {"train": "reviews.csv", "test": "new.csv", "sample": "wanted.csv"},
    "submission": {"pred": "class", "probs": "probabilities", "p_question": "question"},
}


def model(backbone: Path, **settings: Any) -> dict[str, Any]:
    return {
        "backbone": str(backbone),
        "towers": [{"segments": ["review"], "max_tokens": 32}],
        "features": {"categories": ["shop"], "counted": ["title"]},
        "head": {"hidden": 16, "dropout": 0.0},
        "stages": [{"train": "full", "epochs": 6, "encoder_lr": 0.003, "head_lr": 0.003}],
        **settings,
    }


def write_data(folder: Path) -> None:
    folder.mkdir()
    random = np.random.default_rng(0)
    records = []
    for number in range(300):
        kind = CLASSES[int(random.choice(3, p=[0.5, 0.3, 0.2]))]
        words = [*random.choice(WORDS[kind], 2), *random.choice(["the", "parcel", "shop", "it"], 3)]
        random.shuffle(words)
        records.append(
            {
                "key": f"r{number:03}",
                "title": f"About {number}",
                "body": " ".join(words),
                "shop": str(random.choice(["north", "south"])),
                "kind": kind,
            }
        )
    rows = pd.DataFrame(records)
    rows[:240].to_csv(folder / "reviews.csv", index=False)
    rows[240:].drop(columns="kind").to_csv(folder / "new.csv", index=False)
    wanted = rows[["key"]][240:].iloc[::-1].assign(pred="praise", probs="[1, 0, 0]", p_question=0.0)
    wanted.to_csv(folder / "wanted.csv", index=False)
    rows[["key", "kind"]][240:].to_csv(folder / "truth.csv", index=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    root = project.create(tmp_path_factory.mktemp("project"), tiny_backbone)
    models = {
        "plain": model(tiny_backbone),
        "focal": model(tiny_backbone, losses=[{"kind": "focal"}], column_weights="balanced"),
    }
    experiment = {
        "folds": {"count": 3},
        "models": models,
        "blend": {"votes": "hard", "method": "by_score"},
        "postprocess": {"kinds": ["offsets"]},
    }
    kernel = {"title": "Reviews Kernel", "dataset_title": "Reviews Bundle", "competition": "some-reviews"}
    project.declare(root, "reviews", competition=COMPETITION, experiment=experiment, kernel=kernel)
    write_data(root / "data")
    result = project.here(root, "submission", "--competition", "reviews", "--data", str(root / "data"))
    assert result.returncode == 0, result.stderr + result.stdout
    return root


def test_every_check_of_the_rehearsal_passes(finished: Path) -> None:
    verdict = json.loads((finished / "build/reviews/simulation/verdict.json").read_text())
    assert verdict["passed"], verdict
    assert set(verdict["checks"]) >= {"classes", "no constant column"}


def test_the_submission_is_the_competitions(finished: Path) -> None:
    wanted = pd.read_csv(finished / "data/wanted.csv")
    found = pd.read_csv(finished / "build/reviews/simulation/submission.csv")
    assert list(found.columns) == ["key", "pred", "probs", "p_question"]
    assert list(found["key"]) == list(wanted["key"])
    likely = np.array([json.loads(cell) for cell in found["probs"]])
    np.testing.assert_allclose(likely.sum(axis=1), 1, atol=1e-5)
    assert [CLASSES[place] for place in likely.argmax(axis=1)] == list(found["pred"])
    np.testing.assert_allclose(likely[:, 2], found["p_question"], atol=1e-5)
    truth = pd.read_csv(finished / "data/truth.csv").set_index("key")["kind"]
    assert (found.set_index("key")["pred"] == truth[found["key"]].rename(None)).mean() > 0.8


def test_scores_are_those_of_classes(finished: Path) -> None:
    chosen = json.loads((finished / "build/reviews/selection/selection.json").read_text())
    assert chosen["metric"] == "micro_f1"
    assert chosen["scores"]["all"]["nested"] > 0.8
    assert set(chosen["also"]) == {"auprc", "log_loss"}
    assert np.sum(chosen["confusion"]) == 240


def test_the_page_shows_what_is_taken_for_what(finished: Path) -> None:
    result = project.here(finished, "report", "--competition", "reviews")
    assert result.returncode == 0, result.stderr
    page = (finished / "build/reviews/report.html").read_text()
    assert "What is taken for what" in page and "Micro f1 of classes" in page
    assert "Spearman over" not in page
