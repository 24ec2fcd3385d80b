"""Yes/no questions end to end: JSON in, an index made ashore and searched aboard, answers in the sandbox."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import in_torch
import numpy as np
import pandas as pd
import project
import pytest
import yaml
from declared import KERNELS

from foldship import competitions
from foldship.modelling import store
from foldship_kernel.retrieval.index import Index
from foldship_kernel.retrieval.retriever import Retriever

BIOASQ = competitions.get(KERNELS, "bioasq")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    root = project.create(tmp_path_factory.mktemp("project"), tiny_backbone)
    declared = yaml.safe_load((KERNELS / "bioasq" / "competition.yaml").read_text())
    declared["retrieval"] |= {"backbone": str(tiny_backbone), "max_tokens": 48}
    model = {
        "backbone": str(tiny_backbone),
        "towers": [
            {"segments": ["prompt", "snippets"], "max_tokens": 96},
            {"segments": ["question", "retrieved"], "max_tokens": 64},
        ],
        "head": {"hidden": 32, "dropout": 0.0},
        "column_weights": {"no": 2.0},
        "augmentation": {"split": {"columns": ["snippets", "retrieved"], "classes": ["no"]}},
        "stages": [{"train": "full", "epochs": 8, "encoder_lr": 0.003, "head_lr": 0.003}],
    }
    experiment = {"models": {"tiny": model}, "postprocess": {"kinds": []}}
    project.declare(root, "bioasq", competition=declared, experiment=experiment)
    result = project.here(root, "submission", "--competition", "bioasq")
    assert result.returncode == 0, result.stderr + result.stdout
    return root


def answers(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "build/bioasq/simulation/submission.csv", dtype=str, keep_default_na=False)


def questions(root: Path) -> list[dict[str, Any]]:
    value: dict[str, list[dict[str, Any]]] = json.loads((root / "build/bioasq/sample/test.json").read_text())
    return value["questions"]


def simulate(root: Path, asked: list[dict[str, Any]], folder: Path) -> str:
    """Run the bundle on some questions; returns the kernel's log."""
    folder.mkdir()
    (folder / "test.json").write_text(json.dumps({"questions": asked}))
    result = project.here(root, "simulate", "--competition", "bioasq", "--input", str(folder))
    assert result.returncode == 0, result.stderr + result.stdout
    return (root / "build/bioasq/simulation/kernel.log").read_text()


def test_every_question_is_answered(finished: Path) -> None:
    assert json.loads((finished / "build/bioasq/simulation/verdict.json").read_text())["passed"]
    found = answers(finished)
    assert list(found.columns) == ["id", "answer"]
    assert list(found["id"]) == [question["id"] for question in questions(finished)]
    assert set(found["answer"]) == {"yes", "no"}
    log = (finished / "build/bioasq/simulation/kernel.log").read_text()
    assert "for 60 rows" in log and "by words only" not in log


def test_the_kernel_finds_and_answers_what_training_does(finished: Path) -> None:
    model_dir = finished / "weights/bioasq/tiny"
    card = store.load_card(model_dir)
    assert card.task.retrieval is not None
    table, _ = card.task.read_test(finished / "build/bioasq/sample")
    retriever = Retriever(Index((finished / "build/bioasq/retrieval").joinpath), card.task.retrieval, print)
    rows = retriever.add(pd.concat(table.chunks()))
    assert rows["retrieved"].notna().all() and retriever.by_meaning == len(rows)
    own = {
        question["id"]: {part["text"] for part in question["snippets"]} for question in questions(finished)
    }
    for key, cell in zip(rows["id"], rows["retrieved"], strict=True):
        assert not own[key] & set(cell.split("\n"))
    mean = in_torch.mean_of_folds(model_dir, rows)
    sure = np.abs(mean[:, 0] - mean[:, 1]) > 0.02
    wanted = np.array(card.task.targets)[mean.argmax(axis=1)]
    written = answers(finished).set_index("id").loc[list(rows["id"]), "answer"].to_numpy()
    assert sure.sum() > 40 and len(set(wanted[sure])) == 2
    np.testing.assert_array_equal(written[sure], wanted[sure])


def test_unseen_questions_without_documents_get_passages(finished: Path, tmp_path: Path) -> None:
    """As in a hidden test set: nothing was known of them when the index was made."""
    asked = [
        {"id": f"new-{number}", "type": "yesno", "body": question["body"]}
        for number, question in enumerate(questions(finished))
    ]
    asked.append({"id": "other", "type": "factoid", "body": "Which one?"})
    asked[3]["body"] = {"not": "a text"}
    log = simulate(finished, asked, tmp_path / "input")
    assert list(answers(finished)["id"]) == [f"new-{number}" for number in range(60)]
    assert "for 60 rows" in log


@pytest.mark.parametrize(
    "damaged, said",
    [
        ("encoder.onnx", "60 rows were sought by words only"),
        ("passages.txt", "ROWS ARE READ WITHOUT PASSAGES"),
    ],
)
def test_a_damaged_index_is_said_aloud_and_costs_no_answer(
    finished: Path, tmp_path: Path, damaged: str, said: str
) -> None:
    root = tmp_path / "project"
    shutil.copytree(finished, root, symlinks=True)
    path = root / "build/bioasq/dataset/retrieval" / damaged
    path.write_bytes(path.read_bytes()[:-100])
    folder = root / "build/bioasq/sample"
    result = project.here(root, "simulate", "--competition", "bioasq", "--input", str(folder))
    assert result.returncode != 0  # the rehearsal does not let a damaged bundle pass
    assert len(answers(root)) == 60
    log = (root / "build/bioasq/simulation/kernel.log").read_text()
    assert said in log and "DAMAGED BUNDLE" in log
    checks = json.loads((root / "build/bioasq/simulation/verdict.json").read_text())["checks"]
    failed = {name for name, check in checks.items() if check["passed"] is False}
    assert failed == {"dataset whole", "passages found"}


def test_the_bundle_is_the_same_when_it_is_built_again(finished: Path) -> None:
    dataset = finished / "build/bioasq/dataset"
    before = {path: path.read_bytes() for path in (dataset / "retrieval").iterdir()}
    shutil.rmtree(finished / "build/bioasq/retrieval")
    result = project.here(finished, "bundle", "--competition", "bioasq")
    assert result.returncode == 0, result.stderr + result.stdout
    assert {path: path.read_bytes() for path in (dataset / "retrieval").iterdir()} == before
