"""Models that other scripts trained: adopted, bundled, run in the sandbox; they predict what they did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import elsewhere
import numpy as np
import pandas as pd
import project
import pytest
import yaml
from click.testing import CliRunner

from foldship.cli.main import program
from foldship.reporting import report

TEXTS, TOKENS = ["title", "body"], 24


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    root = project.create(tmp_path_factory.mktemp("project"), tiny_backbone)
    elsewhere.competition(root / "kernels")
    folder = root / "kernels" / "small"
    experiment = {
        "competition": "small",
        "folds": {"count": 2},
        "kernel": project.KERNEL,
        "postprocess": {"kinds": []},
    }
    trained_here = {
        "backbone": str(tiny_backbone),
        "towers": [{"segments": TEXTS, "max_tokens": TOKENS}],
        "stages": [{"train": "head", "epochs": 1, "head_lr": 0.01}],
    }
    titles = {"title": "Small Kernel", "dataset_title": "Small Bundle", "competition": "some-small"}
    (folder / "experiment.yaml").write_text(yaml.safe_dump({**experiment, "models": {"own": trained_here}}))
    (folder / "kernel.yaml").write_text(yaml.safe_dump(titles))
    return root


@pytest.fixture(scope="module")
def models(root: Path, tiny_backbone: Path) -> dict[str, list[Any]]:
    """Two saved folds, and a graph."""
    saved = [
        elsewhere.classifier(
            root / "runs" / f"fold{k}", tiny_backbone, kind="roberta", seed=k, max_length=TOKENS
        )
        for k in range(2)
    ]
    single = elsewhere.classifier(root / "runs" / "single", tiny_backbone, seed=9, max_length=TOKENS)
    elsewhere.graph(root / "runs" / "single.onnx", single)
    return {"saved": saved, "graph": [single]}


def predict(root: Path, models: dict[str, list[Any]], rows: pd.DataFrame) -> dict[str, list[np.ndarray]]:
    """Predictions of every fold for some rows, computed without Foldship."""
    single = root / "runs" / "single"
    return {
        name: [np.clip(elsewhere.logits(model, single, rows, TEXTS, TOKENS)[:, 0], -5, 5) for model in folds]
        for name, folds in models.items()
    }


@pytest.fixture(scope="module")
def data(root: Path, models: dict[str, list[Any]]) -> Path:
    """Rows whose ratings are near what the models say, and out-of-fold files in two layouts."""
    folder = root / "data"
    folder.mkdir()
    rows, test = elsewhere.texts(60), elsewhere.texts(70, seed=1)
    found = predict(root, models, rows)
    fold = np.arange(60) % 2
    own = np.where(fold == 0, *found["saved"])
    noise = np.random.default_rng(0).normal(scale=0.05, size=60)
    rows["rating"] = np.clip(own + found["graph"][0] + noise, -5, 5)
    rows.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    test[["key"]].assign(rating=0.0).to_csv(folder / "sample_submission.csv", index=False)
    layout = pd.DataFrame({"oof_rating": own, "kfold": fold + 1, "key": rows["key"]}).sample(
        frac=1, random_state=0
    )
    layout.to_csv(root / "runs" / "saved.csv", encoding="utf-8-sig")
    pd.DataFrame({"rating": rows["rating"], "pred": found["graph"][0]}).to_csv(root / "runs" / "graph.csv")
    return folder


@pytest.fixture(scope="module")
def foldship(root: Path) -> Iterator[Callable[..., str]]:
    """Runs the program in this process, which has all libraries loaded; returns what it said."""

    def run(verb: str, *arguments: str) -> str:
        where = ["--competition", "small", "--data", str(root / "data")]
        result = CliRunner().invoke(program, [verb, *where, *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOLDSHIP_ROOT", str(root))
        patch.chdir(root)
        yield run


@pytest.fixture(scope="module")
def adopted(data: Path, foldship: Callable[..., str]) -> str:
    """What the program said of two models with out-of-fold predictions; they are bundled and rehearsed."""
    said = foldship("adopt", "--model", "saved", "runs/fold*", "--oof", "runs/saved.csv")
    options = ["--tokenizer", "runs/single", "--oof", "runs/graph.csv"]
    said += foldship("adopt", "--model", "graph", "runs/single.onnx", *options)
    for verb in ("bundle", "simulate"):
        foldship(verb, "--recipe", "adopted")
    return said


def test_it_says_what_it_recognised(adopted: str) -> None:
    assert "2 saved models (roberta): fold0, fold1" in adopted
    assert "reads title and body, one sequence of at most 24 tokens" in adopted
    assert "folds: 1 to 2, in the order of the models" in adopted
    assert "the folds repeat them to" in adopted
    assert "1 ONNX graph: runs/single.onnx" in adopted
    assert "column 'rating' holds the truth" in adopted
    assert "WARNING" not in adopted


def test_every_check_of_the_rehearsal_passes(adopted: str, root: Path) -> None:
    verdict = json.loads((root / "build/small/simulation/verdict.json").read_text())
    assert verdict["passed"], verdict


def test_the_submission_is_what_the_models_predict(
    adopted: str, root: Path, data: Path, models: dict[str, list[Any]]
) -> None:
    rows = pd.read_csv(data / "test.csv")
    found = predict(root, models, rows)
    wanted = np.mean([np.mean(found["saved"], axis=0), found["graph"][0]], axis=0)
    submission = pd.read_csv(root / "build/small/simulation/submission.csv")
    assert list(submission["key"]) == list(rows["key"])
    assert wanted.std() > 0.1
    np.testing.assert_allclose(submission["rating"], wanted, atol=0.01)


def test_scores_are_those_of_the_out_of_fold_files(adopted: str, root: Path) -> None:
    chosen = json.loads((root / "build/small/selection/selection.json").read_text())
    table = pd.read_csv(root / "runs" / "saved.csv")
    truth = pd.read_csv(root / "data" / "train.csv").set_index("key")["rating"]
    score = np.corrcoef(table["oof_rating"], truth[table["key"]])[0, 1]
    assert chosen["models"]["saved"]["score"] == pytest.approx(score, abs=1e-6)
    assert chosen["scores"]["all"]["pooled"] > score


def test_without_out_of_fold_predictions_all_count_alike_and_nothing_is_made_up(
    adopted: str, root: Path, foldship: Callable[..., str]
) -> None:
    foldship("adopt", "--recipe", "blind", "--model", "first", "runs/fold0", "--max-tokens", "24")
    graph = ["runs/single.onnx", "--tokenizer", "runs/single"]
    said = foldship("adopt", "--recipe", "blind", "--model", "second", *graph)
    assert "no out-of-fold predictions" in said
    said = foldship("train", "--recipe", "blind")
    assert "what the blend scores is not known" in said
    foldship("bundle", "--recipe", "blind")
    bundle = json.loads((root / "build/small/dataset/bundle.json").read_text())
    assert {model["name"]: model["score"] for model in bundle["models"]} == {"first": None, "second": None}
    assert [unit["score"] for unit in bundle["schedule"]] == [None, None]
    (whole,) = [blend for blend in bundle["blends"] if len(blend["models"]) == 2]
    assert whole["weights"] == {"first": 0.5, "second": 0.5}
    assert whole["postprocess"] == [] and whole["score"] is None
    assert not (root / "build/small/selection/oof.csv").exists()
    page = report.write(root / "build" / "small").read_text(encoding="utf-8")
    assert "what the blend scores is not known" in page
