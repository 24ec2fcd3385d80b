from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModel, BertConfig, DebertaV2Config, ElectraConfig, RobertaConfig, set_seed

from foldship.modelling import attention

SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
MASK = torch.tensor([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]])
TOKENS = torch.randint(5, 60, MASK.shape, generator=torch.Generator().manual_seed(1))


def build(kind: type, **settings: object) -> nn.Module:
    set_seed(0)
    config = kind(**{**SIZES, **settings})
    return AutoModel.from_config(config, attn_implementation="eager").train()


def states_and_gradients(model: nn.Module, precision: torch.dtype | None) -> tuple[Tensor, Tensor]:
    with torch.autocast("cpu", dtype=precision or torch.bfloat16, enabled=precision is not None):
        states = model(input_ids=TOKENS, attention_mask=MASK).last_hidden_state.float() * MASK[..., None]
    weights = torch.linspace(-1, 1, states.numel()).view_as(states)
    (states * weights).sum().backward()
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    return states.detach(), torch.cat(gradients)


@pytest.mark.parametrize("kind", [BertConfig, RobertaConfig, ElectraConfig])
def test_states_and_gradients_are_those_of_plain_attention(kind: type) -> None:
    plain, lean = build(kind), build(kind)
    assert attention.lean(lean) == 2
    assert lean.state_dict().keys() == plain.state_dict().keys()
    for found, expected in zip(
        states_and_gradients(lean, None), states_and_gradients(plain, None), strict=True
    ):
        torch.testing.assert_close(found, expected, atol=2e-6, rtol=1e-4)


def test_in_bf16_it_is_as_exact_as_plain_attention() -> None:
    lean = build(BertConfig)
    attention.lean(lean)
    exact, plain, found = (
        states_and_gradients(model, precision)
        for model, precision in (
            (build(BertConfig), None),
            (build(BertConfig), torch.bfloat16),
            (lean, torch.bfloat16),
        )
    )
    for place in (0, 1):
        error = (found[place] - exact[place]).norm()
        assert 0 < error < 2 * (plain[place] - exact[place]).norm()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (BertConfig, {"attention_probs_dropout_prob": 0.1}),
        (BertConfig, {"position_embedding_type": "relative_key"}),
        (DebertaV2Config, {}),
    ],
)
def test_what_it_does_not_compute_stays_as_it_is(kind: type, settings: dict[str, object]) -> None:
    assert attention.lean(build(kind, **settings)) == 0
