"""Saved classifiers and adapters give the logits that the libraries give that they were saved by."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import elsewhere
import numpy as np
import pandas as pd
import pytest
import torch
from elsewhere import TOKENS, outputs
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertModel

from foldship import adoption
from foldship.adoption import Given
from foldship.config.adopting import Adopted
from foldship_kernel.errors import FoldshipError

TEXTS = ["title", "body"]


@pytest.mark.parametrize("kind", elsewhere.KINDS)
def test_logits_are_those_of_the_saved_model(
    kind: str, given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    here, folder = given(), tmp_path / "runs" / "fold0"
    model = elsewhere.classifier(folder, tiny_backbone, kind=kind, max_length=TOKENS)
    notes = adoption.run("theirs", Adopted(folds=("runs",)), here)
    wanted = elsewhere.logits(model, folder, here.rows, TEXTS, TOKENS)
    assert wanted.std() > 0.02 and np.abs(wanted).max() < 5
    np.testing.assert_allclose(outputs(here, "theirs"), wanted, atol=1e-5)
    assert not any("WARNING" in note for note in notes)


@pytest.mark.parametrize("classes", [True, False])
def test_several_outputs_are_put_into_the_competitions_order(
    classes: bool, given: Callable[..., Given], rows: pd.DataFrame, tiny_backbone: Path, tmp_path: Path
) -> None:
    names, own = ["a", "b", "c"], ["c", "a", "b"]
    frame = rows.drop(columns="rating").assign(
        **{name: np.arange(60) % 3 == n for n, name in enumerate(names)}
    )
    targets = {"column": "kind", "classes": names} if classes else {"columns": names}
    here = given(frame, targets=targets, metric="accuracy" if classes else "auc")
    settings = {"id2label": dict(enumerate(own)), "problem_type": "multi_label_classification"}
    if classes:
        settings["problem_type"] = "single_label_classification"
    model = elsewhere.classifier(
        tmp_path / "m", tiny_backbone, outputs=3, kind="electra", max_length=TOKENS, **settings
    )
    adoption.run("theirs", Adopted(folds=("m",)), here)
    logits = torch.from_numpy(elsewhere.logits(model, tmp_path / "m", here.rows, TEXTS, TOKENS))
    wanted = logits.softmax(1) if classes else logits.sigmoid()
    np.testing.assert_allclose(outputs(here, "theirs"), wanted[:, [1, 2, 0]], atol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_an_adapter_is_merged_into_its_base_with_its_head(
    kind: str, given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    here = given()
    model = adapter(tmp_path, tiny_backbone, kind=kind)
    adoption.run("theirs", Adopted(folds=("lora",)), here)
    wanted = elsewhere.logits(model, tmp_path / "lora", here.rows, TEXTS, TOKENS)
    assert wanted.std() > 0.02
    np.testing.assert_allclose(outputs(here, "theirs"), np.clip(wanted, -5, 5), atol=1e-5)


def test_an_adapter_finds_its_base_among_the_backbones(
    given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    here = given()
    model = adapter(tmp_path, tiny_backbone)
    (tmp_path / "weights" / "backbones").mkdir(parents=True)
    (tmp_path / "base").rename(tmp_path / "weights" / "backbones" / "someones-base")
    change(tmp_path / "lora" / "adapter_config.json", base_model_name_or_path="someones-base")
    adoption.run("theirs", Adopted(folds=("lora",)), here)
    wanted = elsewhere.logits(model, tmp_path / "lora", here.rows, TEXTS, TOKENS)
    np.testing.assert_allclose(outputs(here, "theirs"), np.clip(wanted, -5, 5), atol=1e-5)


def test_a_head_that_nobody_saved_is_refused(
    given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    model = BertModel.from_pretrained(tiny_backbone)
    model.save_pretrained(tmp_path / "encoder")
    with pytest.raises(FoldshipError, match=r"weights are missing(.|\n)*classifier"):
        adoption.run("theirs", Adopted(folds=("encoder",)), given())


def test_a_part_of_the_head_that_neither_adapter_nor_base_has_is_refused(
    given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    adapter(tmp_path, tiny_backbone)
    state = load_file(tmp_path / "base" / "model.safetensors")
    kept = {name: tensor for name, tensor in state.items() if "pooler" not in name}
    save_file(kept, tmp_path / "base" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(FoldshipError, match=r"neither in the adapter nor(.|\n)*pooler(.|\n)*modules_to_save"):
        adoption.run("theirs", Adopted(folds=("lora",)), given())


def test_broken_files_are_refused_and_leave_nothing(
    given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    elsewhere.classifier(tmp_path / "cut", tiny_backbone)
    (tmp_path / "cut" / "model.safetensors").write_bytes(b"cut off")
    elsewhere.classifier(tmp_path / "nan", tiny_backbone)
    state = load_file(tmp_path / "nan" / "model.safetensors")
    state["classifier.bias"][0] = torch.nan
    save_file(state, tmp_path / "nan" / "model.safetensors", metadata={"format": "pt"})
    adapter(tmp_path, tiny_backbone)
    change(tmp_path / "lora" / "adapter_config.json", task_type="TOKEN_CLS")
    here = given()
    for folder, message in (
        ("cut", r"cut/model\.safetensors: the weights cannot be read"),
        ("nan", "no finite numbers"),
        ("lora", "no adapter of a classifier"),
    ):
        with pytest.raises(FoldshipError, match=message):
            adoption.run("theirs", Adopted(folds=(folder,)), here)
    assert [path.name for path in here.weights.iterdir()] == [".lock"]


def test_folds_of_different_networks_are_refused(
    given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    elsewhere.classifier(tmp_path / "runs" / "one", tiny_backbone)
    elsewhere.classifier(tmp_path / "runs" / "two", tiny_backbone, hidden_act="relu")
    with pytest.raises(FoldshipError, match=r"two is another network than one(.|\n)*relu"):
        adoption.run("theirs", Adopted(folds=("runs",)), given())


def adapter(root: Path, backbone: Path, kind: str = "bert"):
    """Save `base` and, trained on it, `lora`; returns the model."""
    elsewhere.classifier(root / "base", backbone, kind=kind, seed=3)
    base = AutoModelForSequenceClassification.from_pretrained(root / "base")
    config = LoraConfig(r=4, target_modules=["query", "value"], task_type="SEQ_CLS")
    model = get_peft_model(base, config).eval()
    torch.manual_seed(4)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "lora_B" in name or "modules_to_save" in name:
                tensor.normal_(std=0.3)
    model.save_pretrained(root / "lora")
    tokenizer = AutoTokenizer.from_pretrained(backbone)
    tokenizer("a", truncation=True, max_length=TOKENS)
    tokenizer.save_pretrained(root / "lora")
    return model


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
