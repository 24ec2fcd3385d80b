"""Adapters of every kind are merged into what the library predicts that saved them, or refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import damaged
import elsewhere
import numpy as np
import peft
import pytest
import torch
from elsewhere import TOKENS, outputs
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

from foldship import adoption
from foldship.adoption import Given, adapters
from foldship.config.adopting import Adopted
from foldship.modelling import foreign, loading, store
from foldship_kernel.errors import FoldshipError

TEXTS = ["title", "body"]
FILE = "adapter_model.safetensors"


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def save(folder: Path, base: Path, config: Any, seed: int = 1) -> Any:
    """An adapter of `base` in which every matrix makes a difference; returns the model."""
    torch.manual_seed(seed)
    model: Any = get_peft_model(AutoModelForSequenceClassification.from_pretrained(base), config).eval()
    with torch.no_grad():
        for tensor in model.parameters():
            if tensor.requires_grad:
                tensor.add_(torch.randn_like(tensor) * 0.1)
    model.save_pretrained(folder)
    return model


def take(folder: Path, root: Path, base: str | None = None) -> torch.Tensor:
    """Logits of an adapter as it is adopted."""
    out = root / "out"
    shutil.rmtree(out, ignore_errors=True)
    (out / "network").mkdir(parents=True)
    network = adapters.take(folder, out, root / "weights", root, base)
    (out / "network" / "config.json").write_text(json.dumps(network.config))
    model = foreign.classifier(str(out / "network"), "eager")
    loading.restore(model, out / store.WEIGHTS, "")
    return damaged.logits(model.backbone)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bases")
    for kind in ("bert", "deberta-v2", "distilbert"):
        damaged.classifier(root / kind, kind)
    return {kind: root / kind for kind in ("bert", "deberta-v2", "distilbert")}


CONFIGS = {
    "plain": {},
    "rslora": {"use_rslora": True},
    "dora": {"use_dora": True},
    "all-linear": {"target_modules": "all-linear"},
    "bias": {"bias": "all"},
    "patterns": {
        "target_modules": ["query_proj", "value_proj"],
        "rank_pattern": {"layer.0.attention.self.query_proj": 3},
        "alpha_pattern": {"value_proj": 7},
    },
    "one layer": {"layers_to_transform": [1]},
    "more saved": {"modules_to_save": ["pooler", "LayerNorm"]},
    "gaussian": {"init_lora_weights": "gaussian"},
    "pissa": {"init_lora_weights": "pissa"},
    "olora": {"init_lora_weights": "olora"},
    "orthogonal": {"init_lora_weights": "orthogonal", "r": 4},
}


def lora(**settings: Any) -> LoraConfig:
    given = {"lora_alpha": 4, "task_type": "SEQ_CLS", "target_modules": ["query", "value"], "r": 2}
    return LoraConfig(**{**given, **settings})


@pytest.mark.parametrize("name", CONFIGS)
def test_adapters_are_merged_as_the_library_reads_them(name: str, bases, tmp_path: Path) -> None:
    kind = "deberta-v2" if name == "patterns" else "bert"
    wanted = damaged.logits(save(tmp_path / "lora", bases[kind], lora(**CONFIGS[name])))
    torch.testing.assert_close(take(tmp_path / "lora", tmp_path), wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "config",
    [
        peft.IA3Config(task_type="SEQ_CLS", target_modules=["query"], feedforward_modules=[]),
        peft.LoHaConfig(task_type="SEQ_CLS", target_modules=["query"], r=2),
    ],
    ids=lambda config: str(config.peft_type.value),
)
def test_kin_of_lora_are_merged_too(config: Any, bases, tmp_path: Path) -> None:
    wanted = damaged.logits(save(tmp_path / "lora", bases["bert"], config))
    torch.testing.assert_close(take(tmp_path / "lora", tmp_path), wanted, rtol=0, atol=1e-4)


def test_an_adapter_as_a_pickle_is_read(bases, tmp_path: Path) -> None:
    wanted = damaged.logits(save(tmp_path / "lora", bases["bert"], lora()))
    torch.save(load_file(tmp_path / "lora" / FILE), tmp_path / "lora" / "adapter_model.bin")
    (tmp_path / "lora" / FILE).unlink()
    torch.testing.assert_close(take(tmp_path / "lora", tmp_path), wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("seed", range(12))
def test_an_adapter_that_lacks_a_part_is_refused_by_its_name(seed: int, bases, tmp_path: Path) -> None:
    random = Random(seed)
    name = random.choice(["plain", "dora", "bias", "more saved", "all-linear"])
    save(tmp_path / "lora", bases["bert"], lora(**CONFIGS[name]))
    state = load_file(tmp_path / "lora" / FILE)
    lost = random.choice(sorted(state))
    how = seed % 3
    tensor = state.pop(lost)
    if how == 1:
        state[lost] = torch.cat([tensor, tensor[:1]])
    elif how == 2:
        state[lost.replace("base_model.model.", "base_model.model.x.")] = tensor
    save_file(state, tmp_path / "lora" / FILE)
    with pytest.raises(FoldshipError) as error:
        take(tmp_path / "lora", tmp_path)
    short = lost.removeprefix("base_model.model.")
    assert short in str(error.value)


def test_a_layer_that_lacks_and_one_too_many_are_refused(bases, tmp_path: Path) -> None:
    folder = tmp_path / "lora"
    save(folder, bases["bert"], lora())
    state = load_file(folder / FILE)
    save_file({name: tensor for name, tensor in state.items() if "layer.1" not in name}, folder / FILE)
    with pytest.raises(FoldshipError, match=r"settings and its base ask for(.|\n)*no .*layer\.1"):
        take(folder, tmp_path)
    above = {name.replace("layer.1", "layer.2"): tensor.clone() for name, tensor in state.items()}
    save_file({**state, **above}, folder / FILE)
    with pytest.raises(FoldshipError, match=r"layer\.2.*, which the base has no place for"):
        take(folder, tmp_path)


@pytest.mark.parametrize("start", ["pissa_niter_4", "loftq", "corda", "lora_ga", "of tomorrow"])
def test_a_base_that_cannot_be_had_again_is_refused(start: str, bases, tmp_path: Path) -> None:
    save(tmp_path / "lora", bases["bert"], lora())
    change(tmp_path / "lora" / "adapter_config.json", init_lora_weights=start)
    with pytest.raises(FoldshipError, match=rf"changed first(.|\n)*{start}(.|\n)*merge_and_unload"):
        take(tmp_path / "lora", tmp_path)


def test_one_whose_base_was_saved_as_it_was_left_is_taken(bases, tmp_path: Path) -> None:
    model = save(tmp_path / "lora", bases["bert"], lora(init_lora_weights="pissa_niter_4"))
    wanted = damaged.logits(model)
    model.unload().save_pretrained(tmp_path / "left")
    given = {"init_lora_weights": True, "base_model_name_or_path": str(tmp_path / "left")}
    change(tmp_path / "lora" / "adapter_config.json", **given)
    torch.testing.assert_close(take(tmp_path / "lora", tmp_path), wanted, rtol=0, atol=1e-4)


def test_the_head_of_its_base_serves_an_adapter_that_has_none(bases, tmp_path: Path) -> None:
    model = save(tmp_path / "lora", bases["bert"], lora(task_type=None))
    torch.testing.assert_close(take(tmp_path / "lora", tmp_path), damaged.logits(model), rtol=0, atol=1e-4)
    # One that trained a head of its own, and lost it, is not given another's.
    save(tmp_path / "lost", bases["bert"], lora())
    state = load_file(tmp_path / "lost" / FILE)
    save_file({name: tensor for name, tensor in state.items() if "lora_" in name}, tmp_path / "lost" / FILE)
    with pytest.raises(FoldshipError, match=r"ask for(.|\n)*no base_model.model.classifier.weight"):
        take(tmp_path / "lost", tmp_path)


def test_adapters_of_another_kind_are_refused(bases, tmp_path: Path) -> None:
    config = peft.PrefixTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=3)
    save(tmp_path / "prefix", bases["bert"], config)
    with pytest.raises(FoldshipError, match=r"cannot be merged(.|\n)*PREFIX_TUNING"):
        take(tmp_path / "prefix", tmp_path)


@pytest.mark.parametrize("other", ["adapter", "model"])
def test_what_lies_beside_an_adapter_is_mentioned(other: str, bases, tmp_path: Path) -> None:
    folder = tmp_path / "lora"
    model = save(folder, bases["bert"], lora())
    shutil.copytree(folder, tmp_path / "copy")
    shutil.move(tmp_path / "copy", folder / "checkpoint-10")
    take(folder, tmp_path)
    if other == "adapter":
        model.add_adapter("second", lora())
        model.save_pretrained(folder)
    else:
        model.merge_and_unload().save_pretrained(folder)
    with pytest.raises(FoldshipError, match="second" if other == "adapter" else "model.safetensors"):
        take(folder, tmp_path)


def test_another_base_is_refused_by_its_shapes(bases, tmp_path: Path) -> None:
    save(tmp_path / "lora", bases["bert"], lora())
    damaged.CONFIGS["wide"] = (damaged.CONFIGS["bert"][0], {"hidden_size": 32})
    damaged.classifier(tmp_path / "wide", "wide")
    del damaged.CONFIGS["wide"]
    with pytest.raises(
        FoldshipError, match=r"lora_A.weight: \(2, 16\) in the file and \(2, 32\) in the base"
    ):
        take(tmp_path / "lora", tmp_path, "wide")
    with pytest.raises(FoldshipError, match=r"cannot be merged(.|\n)*--base PATH"):
        take(tmp_path / "lora", tmp_path, str(bases["distilbert"]))


def test_a_damaged_base_is_refused(bases, tmp_path: Path) -> None:
    shutil.copytree(bases["bert"], tmp_path / "base")
    save(tmp_path / "lora", tmp_path / "base", lora())
    lost = damaged.drop(tmp_path / "base", Random(0))
    with pytest.raises(FoldshipError, match=lost):
        take(tmp_path / "lora", tmp_path)


@pytest.mark.parametrize("said", ["/kaggle/input/someones-base", "../gone/base", "someone/someones-base"])
def test_a_base_that_is_only_elsewhere_can_be_restated(
    said: str, given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    here = given()
    elsewhere.classifier(tmp_path / "base", tiny_backbone)
    model = save(tmp_path / "lora", tmp_path / "base", lora())
    (tmp_path / "weights" / "backbones").mkdir(parents=True)
    (tmp_path / "base").rename(tmp_path / "weights" / "backbones" / "mine")
    change(tmp_path / "lora" / "adapter_config.json", base_model_name_or_path=said)
    with pytest.raises(FoldshipError, match=r"is not to be had(.|\n)*: mine(.|\n)*--base PATH"):
        adoption.run("theirs", Adopted(folds=("lora",)), here)
    wanted = elsewhere.logits(model, tmp_path / "weights" / "backbones" / "mine", here.rows, TEXTS, TOKENS)
    for base in ("mine", "weights/backbones/mine", str(tmp_path / "weights" / "backbones" / "mine")):
        settings = Adopted(folds=("lora",), base=base, max_tokens=TOKENS)
        notes = adoption.run(f"by-{len(base)}", settings, here)
        assert f"base: {base} in place of {said}" in notes
        found = outputs(here, f"by-{len(base)}")
        np.testing.assert_allclose(found, np.clip(wanted, -5, 5), atol=1e-4)


def test_the_tokenizer_of_its_base_serves_an_adapter(
    given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    elsewhere.classifier(tmp_path / "weights" / "backbones" / "mine", tiny_backbone)
    save(tmp_path / "lora", tmp_path / "weights" / "backbones" / "mine", lora())
    change(tmp_path / "lora" / "adapter_config.json", base_model_name_or_path="mine")
    here = given()
    adoption.run("theirs", Adopted(folds=("lora",)), here)
    written = json.loads((here.weights / "theirs" / store.TOKENIZER).read_text())
    assert written["model"] == json.loads((tiny_backbone / "tokenizer.json").read_text())["model"]


def test_only_an_adapter_has_a_base(given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path) -> None:
    elsewhere.classifier(tmp_path / "m", tiny_backbone)
    with pytest.raises(FoldshipError, match="m is no adapter"):
        adoption.run("theirs", Adopted(folds=("m",), base="mine"), given())
