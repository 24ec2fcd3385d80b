from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from foldship.modelling import sketch

SIZES = {
    "vocab_size": 500,
    "hidden_size": 64,
    "num_hidden_layers": 12,
    "num_attention_heads": 4,
    "intermediate_size": 256,
}
SMALL = {"max_position_embeddings": 66}


@pytest.mark.parametrize(
    ("kind", "more", "longest"),
    [
        ("bert", {}, 66),
        ("electra", {}, 66),
        ("distilbert", {}, 66),
        ("albert", {}, 66),
        ("rembert", {}, 66),
        ("roformer", {}, 66),
        ("big_bird", {}, 66),
        ("roberta", {"pad_token_id": 1}, 64),
        ("roberta", {"pad_token_id": 5}, 60),
        ("roberta-prelayernorm", {"pad_token_id": 1}, 64),
        ("xlm-roberta", {"pad_token_id": 1}, 64),
        ("xlm-roberta-xl", {"pad_token_id": 1}, 64),
        ("camembert", {"pad_token_id": 1}, 64),
        ("data2vec-text", {"pad_token_id": 1}, 64),
        ("ibert", {"pad_token_id": 1}, 64),
        ("esm", {"pad_token_id": 1, "mask_token_id": 3}, 64),
        ("mpnet", {"pad_token_id": 1}, 64),
        ("longformer", {"pad_token_id": 1, "attention_window": [8] * 12}, 64),
        ("deberta-v2", {"position_biased_input": True}, 66),
        ("deberta-v2", {"position_biased_input": False, "relative_attention": True}, None),
        ("xlnet", {"d_model": 64, "n_head": 4, "n_layer": 2}, None),
        ("qwen2", {}, 66),
    ],
)
def test_the_longest_sequence_is_what_the_network_itself_takes(
    kind: str, more: dict[str, Any], longest: int | None
) -> None:
    sizes = {} if kind == "xlnet" else {**SIZES, **SMALL}
    config = transformers.AutoConfig.for_model(kind, **{**sizes, **more})
    assert sketch.longest(config) == longest


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "deberta-v2", "distilbert", "xlnet"])
def test_a_sketch_has_the_heads_and_the_kind_of_the_original_and_is_small(kind: str) -> None:
    config = transformers.AutoConfig.for_model(kind, **SIZES)
    before = config.to_dict()
    network: Any = sketch.build(config)
    assert config.to_dict() == before
    small = network.config
    assert small.model_type == kind and small.num_hidden_layers == sketch.LAYERS
    assert small.hidden_size // small.num_attention_heads == 16
    assert sum(weight.numel() for weight in network.parameters()) < 300_000


def test_a_sketch_is_the_same_each_time_and_leaves_torchs_seed_alone() -> None:
    config = transformers.AutoConfig.for_model("bert", **SIZES)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one, other = sketch.build(config), sketch.build(config)
    torch.testing.assert_close(torch.rand(3), expected)
    for first, second in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(first, second)
