from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoTokenizer

from foldship.config.schema import Model
from foldship.export import support
from foldship.modelling import sketch
from foldship_kernel.errors import FoldshipError

SIZES = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 66,
}
# Sparse above 5 blocks and twice the random ones, here 28 tokens.
SPARSE = {"block_size": 4, "num_random_blocks": 1}
DEBERTA_V3 = {
    "relative_attention": True,
    "position_biased_input": False,
    "position_buckets": 16,
    "pos_att_type": ["p2c", "c2p"],
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "type_vocab_size": 0,
}


@pytest.fixture(autouse=True)
def afresh() -> None:
    support._trial.cache_clear()


def backbone(folder: Path, kind: str, **more: Any) -> str:
    transformers.AutoConfig.for_model(kind, **{**SIZES, **more}).save_pretrained(folder)
    return str(folder)


def settings(source: str, tokens: int = 32, **more: Any) -> Model:
    stage = {"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}
    towers = [{"segments": ["question_title"], "max_tokens": tokens}]
    return Model.model_validate({"backbone": source, "towers": towers, "stages": [stage], **more})


@pytest.mark.parametrize("kind", ["mpnet", "albert"])
def test_a_backbone_that_cannot_be_exported_is_refused(tmp_path: Path, kind: str) -> None:
    source = backbone(tmp_path, kind, **({"embedding_size": 16} if kind == "albert" else {}))
    with pytest.raises(FoldshipError, match=f"{kind} encoder could be trained, but not exported") as failure:
        support.check(source)
    assert f"attention of a {kind} encoder did not fuse" in failure.value.found


@pytest.mark.parametrize(
    ("kind", "more", "tokens"),
    [
        ("bert", {}, 66),
        ("roberta", {"pad_token_id": 1}, 64),
        ("deberta-v2", DEBERTA_V3, 150),  # more than it names: its positions are relative
        ("big_bird", SPARSE, 28),
        ("big_bird", {**SPARSE, "attention_type": "original_full"}, 60),
    ],
)
def test_families_hold_at_their_longest_lengths(
    tmp_path: Path, kind: str, more: dict[str, Any], tokens: int
) -> None:
    support.check(backbone(tmp_path, kind, **more), tokens=tokens)


def test_attention_that_turns_sparse_at_the_recipes_length_is_refused_with_that_length(
    tmp_path: Path,
) -> None:
    source = backbone(tmp_path, "big_bird", **SPARSE)
    with pytest.raises(
        FoldshipError, match=r"its graph in fp32 gives something else .* of 40 tokens"
    ) as failure:
        support.check(source, tokens=40)
    assert source in failure.value.what
    assert "1, 9, 21 tokens" in failure.value.expected
    assert "original_full" in failure.value.fix and "max_tokens" in failure.value.fix


def test_a_tower_longer_than_the_backbone_takes_is_refused(tmp_path: Path, tiny_backbone: Path) -> None:
    AutoTokenizer.from_pretrained(tiny_backbone).save_pretrained(tmp_path)
    words = len(AutoTokenizer.from_pretrained(tiny_backbone))
    source = backbone(tmp_path, "roberta", pad_token_id=1, vocab_size=words)
    support.check(source, settings(source, 64))
    with pytest.raises(FoldshipError, match="longer than the backbone") as failure:
        support.check(source, settings(source, 65))
    assert (failure.value.expected, failure.value.found) == ("at most 64", "65")


def test_tokens_without_an_embedding_are_refused_before_training(tmp_path: Path, tiny_backbone: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_backbone)
    words = len(tokenizer)
    source = backbone(tmp_path, "bert", vocab_size=words)
    tokenizer.add_tokens(["[E1]", "[E2]"])
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(FoldshipError, match="tokens that it has no embedding for") as failure:
        support.check(source, settings(source))
    assert f"below {words}" in failure.value.expected
    assert f"2 more: [E1] ({words}), [E2] ({words + 1})" in failure.value.found
    assert "resize_token_embeddings" in failure.value.fix
    backbone(tmp_path, "bert", vocab_size=words + 2)
    support.check(source, settings(source))


@pytest.mark.parametrize("kinds", [["cls", "max", "sep", "first:a", "mean:a"], ["layers_mean", "lstm"]])
def test_pooling_of_the_recipe_is_tried(tmp_path: Path, tiny_backbone: Path, kinds: list[str]) -> None:
    support.check(str(tiny_backbone), settings(str(tiny_backbone), pooling=kinds, segment_ids=True))


def test_a_large_network_is_never_built(tmp_path: Path) -> None:
    large = {
        "hidden_size": 4096,
        "num_attention_heads": 64,
        "num_hidden_layers": 48,
        "intermediate_size": 16384,
    }
    config = transformers.AutoConfig.for_model("bert", **{**SIZES, **large, "vocab_size": 250_000})
    network = sketch.build(config)
    assert sum(weight.numel() for weight in network.parameters()) < 1e6
    assert sketch.rows(config) == 250_000
    assert network.config.hidden_size // network.config.num_attention_heads == 64
    assert not torch.is_autocast_enabled("cpu")


def test_graphs_that_crash_their_runtime_are_refused_and_the_program_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = tmp_path / "crash.py"
    crash.write_text("import os, sys\nprint('half', flush=True)\nos.kill(os.getpid(), 11)\n")
    monkeypatch.setattr(support.trial, "__file__", str(crash))
    with pytest.raises(FoldshipError, match="their graphs do not run") as failure:
        support.check(backbone(tmp_path / "one", "bert"))
    assert failure.value.found == "half: ONNX Runtime crashed (signal 11)"


def test_a_network_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    real = support._try
    monkeypatch.setattr(support, "_try", lambda *given: (tried.append(given[1].longest), real(*given)))
    for folder, tokens in (("one", 20), ("two", 20), ("one", 30)):
        support.check(backbone(tmp_path / folder, "bert"), tokens=tokens)
    assert tried == [20, 30]


def test_a_backbone_that_is_not_there_is_left_to_training(tmp_path: Path) -> None:
    support.check(str(tmp_path / "nowhere"))


def test_what_the_configuration_says_decides_not_its_name(tmp_path: Path) -> None:
    """BERT with positions between tokens is BERT by name, and does not fuse."""
    source = backbone(tmp_path, "bert", position_embedding_type="relative_key")
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] in support.KNOWN
    with pytest.raises(FoldshipError, match="could be trained, but not exported"):
        support.check(source)
