"""Self-attention that trains fast on a CPU: the scores stay in the layers' own number format.

Under autocast the plain attention of transformers carries its (L, L) scores through fp32 copies, and adds,
scales and masks them in passes of their own; on a CPU these passes cost more than the matrix products. Here
the scale goes into the queries, the mask is added in place, and only the probabilities are kept for the way
back.
"""

from __future__ import annotations

import math
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

# Modules that compute softmax(Q K^T / sqrt(D) + mask) V with linear layers of these names, and nothing else.
KINDS = ("BertSelfAttention", "RobertaSelfAttention", "XLMRobertaSelfAttention", "ElectraSelfAttention")


def lean(model: nn.Module) -> int:
    """Let the self-attentions of `model` that can be computed like this be; returns how many.

    Those with dropout, relative positions or of other architectures stay as they are. Weights and their names
    do not change.
    """
    found = [module for module in model.modules() if _fits(module)]
    for module in found:
        module.forward = MethodType(_forward, module)
    return len(found)


def _fits(module: Any) -> bool:
    return (
        type(module).__name__ in KINDS
        and module.dropout.p == 0
        and getattr(module, "position_embedding_type", "absolute") == "absolute"
        and not getattr(module, "is_decoder", False)
    )


def _forward(self: Any, hidden_states: Tensor, attention_mask: Tensor | None = None, **_: Any) -> Any:
    """(B, L, W) states and an additive mask (B, 1, 1 or L, L) to (B, L, W) states, and no probabilities."""
    rows, length, _width = hidden_states.shape
    device = hidden_states.device.type
    if torch.is_autocast_enabled(device):
        # Once for all three layers, which would each do so.
        hidden_states = hidden_states.to(torch.get_autocast_dtype(device))
    heads, size = self.num_attention_heads, self.attention_head_size

    def split(states: Tensor) -> Tensor:
        return states.view(rows, length, heads, size).transpose(1, 2).reshape(rows * heads, length, size)

    query, key, value = (split(layer(hidden_states)) for layer in (self.query, self.key, self.value))
    with torch.autocast(device, enabled=False):
        mask = None if attention_mask is None else attention_mask.to(query.dtype)
        context: Tensor = _Attention.apply(query / math.sqrt(size), key, value, mask)
    joined = context.view(rows, heads, length, size).transpose(1, 2)
    return joined.reshape(rows, length, heads * size), None


class _Attention(torch.autograd.Function):
    """softmax(Q K^T + mask) V with the gradients written out; Q, K and V are (B * heads, L, D)."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        scores = torch.bmm(query, key.transpose(1, 2))
        if mask is not None:
            scores.view(len(mask), -1, *scores.shape[1:]).add_(mask)
        probabilities = torch.softmax(scores, dim=-1)
        ctx.save_for_backward(query, key, value, probabilities)
        return torch.bmm(probabilities, value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        query, key, value, probabilities = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        of_value = torch.bmm(probabilities.transpose(1, 2), gradient)
        of_probabilities = torch.bmm(gradient, value.transpose(1, 2))
        scores = torch._softmax_backward_data(of_probabilities, probabilities, -1, probabilities.dtype)
        return torch.bmm(scores, key), torch.bmm(scores.transpose(1, 2), query), of_value, None
