"""What is adopted once stays, is set aside or made again; and it is compared with what its file says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import elsewhere
import numpy as np
import pandas as pd
import pytest
from elsewhere import TOKENS

from foldship import adoption
from foldship.adoption import Given
from foldship.config.adopting import Adopted
from foldship.modelling import adopted, library, store
from foldship_kernel.errors import DataError, FoldshipError

TEXTS = ["title", "body"]


@pytest.fixture
def here(given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path) -> Given:
    """Two folds in `runs`, and what each predicts out-of-fold in `oof.csv`."""
    made = given()
    fold = np.arange(60) % 2
    found = []
    for number in range(2):
        folder = tmp_path / "runs" / f"fold{number}"
        model = elsewhere.classifier(folder, tiny_backbone, seed=number, max_length=TOKENS)
        found.append(elsewhere.logits(model, folder, made.rows, TEXTS, TOKENS)[:, 0])
    table = pd.DataFrame({"key": made.rows["key"], "rating": np.where(fold == 0, *found), "fold": fold})
    table.to_csv(tmp_path / "oof.csv", index=False)
    return made


def test_a_model_folder_is_as_training_leaves_it(here: Given) -> None:
    notes = adoption.run("theirs", Adopted(folds=("runs",), oof="oof.csv"), here)
    folder = here.weights / "theirs"
    assert library.folds(folder) == [0, 1]
    assert library.knows_held_out(folder)
    table = library.out_of_fold(folder, "key")
    assert table is not None and list(table["key"]) == list(here.rows["key"])
    assert json.loads((folder / "fold1" / "receipt.json").read_text())["source"] == "fold1"
    assert any("the folds repeat them to" in note for note in notes)
    assert not list(here.weights.glob(".theirs*"))


def test_without_predictions_there_is_no_file_and_it_is_said(here: Given) -> None:
    notes = adoption.run("theirs", Adopted(folds=("runs",)), here)
    assert library.out_of_fold(here.weights / "theirs", "key") is None
    assert notes[-1].startswith("no out-of-fold predictions")


def test_what_is_there_is_kept_and_comes_back(here: Given, tmp_path: Path) -> None:
    settings, other = Adopted(folds=("runs",), oof="oof.csv"), Adopted(folds=("runs/fold1",))
    adoption.run("theirs", settings, here)
    folder = here.weights / "theirs"
    first, marked = store.fingerprint(folder), folder / "fold0" / store.WEIGHTS
    before = marked.stat().st_mtime_ns
    assert adoption.run("theirs", settings, here) == ["adopted before from just these files, kept"]
    assert marked.stat().st_mtime_ns == before
    adoption.run("theirs", other, here)
    assert adopted.load_card(folder).count == 1
    assert (here.weights / f"theirs@{first[:8]}").is_dir()
    assert "brought back" in adoption.run("theirs", settings, here)[0]
    assert marked.stat().st_mtime_ns == before


def test_a_damaged_model_is_made_again(here: Given) -> None:
    settings = Adopted(folds=("runs",))
    adoption.run("theirs", settings, here)
    (here.weights / "theirs" / "fold1" / store.WEIGHTS).unlink()
    adoption.run("theirs", settings, here)
    library.load_fold(here.weights / "theirs", 1)


def test_files_that_changed_are_adopted_anew(here: Given, tiny_backbone: Path, tmp_path: Path) -> None:
    settings = Adopted(folds=("runs",))
    adoption.run("theirs", settings, here)
    first = store.fingerprint(here.weights / "theirs")
    elsewhere.classifier(tmp_path / "runs" / "fold1", tiny_backbone, seed=7, max_length=TOKENS)
    adoption.run("theirs", settings, here)
    assert store.fingerprint(here.weights / "theirs") != first


def test_files_that_are_gone_are_not_needed_any_more(here: Given, tmp_path: Path) -> None:
    settings = Adopted(folds=("runs",), oof="oof.csv")
    adoption.run("theirs", settings, here)
    shutil.rmtree(tmp_path / "runs")
    (tmp_path / "oof.csv").unlink()
    assert "gone" in adoption.run("theirs", settings, here)[0]
    with pytest.raises(FoldshipError, match="no such model"):
        adoption.run("theirs", Adopted(folds=("runs",)), here)


def test_a_bad_file_leaves_what_was_there(here: Given, tmp_path: Path) -> None:
    adoption.run("theirs", Adopted(folds=("runs",)), here)
    first = store.fingerprint(here.weights / "theirs")
    (tmp_path / "oof.csv").write_text("key,rating\nr0-000,1\n")
    with pytest.raises(DataError, match="59 training rows are not in it"):
        adoption.run("theirs", Adopted(folds=("runs",), oof="oof.csv"), here)
    assert store.fingerprint(here.weights / "theirs") == first
    assert sorted(path.name for path in here.weights.iterdir()) == [".lock", "theirs"]


@pytest.mark.parametrize(
    "wrong", [{"texts": ("body", "title")}, {"output": "logit"}, {"folds": ("runs/fold1", "runs/fold0")}]
)
def test_predictions_that_are_not_repeated_are_a_warning(wrong: dict[str, object], here: Given) -> None:
    settings = Adopted.model_validate({"folds": ("runs",), "oof": "oof.csv", **wrong})
    notes = adoption.run("theirs", settings, here)
    assert any(note.startswith("WARNING: the folds do not repeat") for note in notes), notes


def test_a_graph_repeats_its_predictions_too(here: Given, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    for number in range(2):
        folder = tmp_path / "runs" / f"fold{number}"
        model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
        elsewhere.graph(tmp_path / f"fold{number}.onnx", model)
    settings = Adopted(folds=("fold*.onnx",), tokenizer="runs/fold0", oof="oof.csv")
    notes = adoption.run("theirs", settings, here)
    assert any("the folds repeat them to" in note for note in notes), notes
