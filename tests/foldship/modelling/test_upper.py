from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from transformers import AutoModel, BertConfig, DebertaV2Config, ElectraConfig, RobertaConfig, set_seed

from foldship.modelling import attention, upper

SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "type_vocab_size": 2,
    "initializer_range": 0.3,  # so that a layer makes a difference
}
MASK = torch.tensor([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]])
TOKENS = torch.randint(5, 60, MASK.shape, generator=torch.Generator().manual_seed(1))


def build(kind: type, **settings: object) -> nn.Module:
    set_seed(0)
    config = kind(**{**SIZES, **settings})
    model: nn.Module = AutoModel.from_config(config, attn_implementation="eager").train()
    attention.lean(model)
    return model


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize(
    ("kind", "settings"), [(BertConfig, {}), (RobertaConfig, {}), (ElectraConfig, {"embedding_size": 8})]
)
def test_upper_layers_on_the_lower_ones_states_are_the_whole_encoder(
    kind: type, settings: dict[str, object], depth: int
) -> None:
    whole = build(kind, **settings)
    assert upper.fits(whole, depth)
    lower = copy.deepcopy(whole)
    upper.cut(lower, depth)
    inputs = {"input_ids": TOKENS, "attention_mask": MASK, "token_type_ids": MASK.cumsum(1) % 2}
    states = lower(**inputs).last_hidden_state.detach()
    assert not torch.allclose(states, whole(**inputs).last_hidden_state, atol=0.1)
    states[MASK == 0] = 0
    expected = whole(**inputs, output_hidden_states=True).hidden_states[depth:]
    for found, layer in zip(upper.run(whole, states, MASK, depth), expected, strict=True):
        torch.testing.assert_close(found[MASK == 1], layer[MASK == 1])


@pytest.mark.parametrize(
    ("kind", "settings", "depth"),
    [
        (BertConfig, {}, 0),
        (BertConfig, {}, 3),
        (BertConfig, {"hidden_dropout_prob": 0.1}, 1),
        (DebertaV2Config, {}, 1),
    ],
)
def test_an_encoder_is_left_whole_where_a_cut_changes_something(
    kind: type, settings: dict[str, object], depth: int
) -> None:
    assert not upper.fits(build(kind, **settings), depth)
