"""Which parameter learns at which rate."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import torch
from torch import nn

from foldship.config.stages import Stage
from foldship.modelling.model import in_backbone
from foldship_kernel.errors import FoldshipError

EIGHT_BIT = "adamw_8bit"
MOMENTUM = 0.9
OTHERS: tuple[Any, ...] = (
    torch.optim.Adam,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.Adamax,
    torch.optim.Adagrad,
    torch.optim.Adadelta,
    torch.optim.Adafactor,
    torch.optim.RMSprop,
)
LAYER = re.compile(r"\.(?:layers?|h|blocks?)\.(\d+)\.")


def groups(model: nn.Module, stage: Stage, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups: a rate for the backbone and one for the rest, no decay on biases and norms.

    With `layer_decay` each encoder layer learns at its share of the rate of the layer above
    (https://arxiv.org/abs/1905.05583, section 5.4.3), the embeddings at a share of the lowest layer's.

    Raises:
        FoldshipError: layers are to differ, but the backbone has none by number.
    """
    result = []
    named = list(model.named_parameters())
    for pretrained, rate in ((True, stage.encoder_lr), (False, stage.head_lr)):
        inside = [name for name, _ in named if in_backbone(name) is pretrained]
        depth = dict.fromkeys(inside, 0)
        if pretrained and stage.layer_decay < 1:
            depth = depths(inside)
        for level in sorted(set(depth.values())):
            learning = [p for name, p in named if depth.get(name) == level and p.requires_grad]
            for decay, chosen in (
                (weight_decay, [p for p in learning if p.ndim > 1]),
                (0.0, [p for p in learning if p.ndim <= 1]),
            ):
                if chosen:
                    # A stage without encoder_lr has no encoder parameters that learn.
                    lr = (rate or 0.0) * stage.layer_decay**level if level else rate
                    result.append({"params": chosen, "lr": lr, "weight_decay": decay})
    return result


def optimizer(name: str, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """The optimizer of this name, with torch's defaults but for rates and weight decay; SGD has momentum."""
    if name == EIGHT_BIT:  # its state in 8 bits, on CUDA
        from bitsandbytes.optim.adamw import AdamW8bit

        found: torch.optim.Optimizer = AdamW8bit(groups)
        return found
    if name == "adamw":
        return torch.optim.AdamW(groups, fused=True)
    if name == "sgd":
        return torch.optim.SGD(groups, momentum=MOMENTUM, nesterov=True)
    kinds = {kind.__name__.lower(): kind for kind in OTHERS}
    made: torch.optim.Optimizer = kinds[name](groups)
    return made


def depths(names: Collection[str]) -> dict[str, int]:
    """How many layers lie above each parameter of an encoder; what is in no layer counts as at the top.

    Raises:
        FoldshipError: no layer has a number (ALBERT's share one set of weights).
    """
    number = {name: int(found[1]) for name in names if (found := LAYER.search(name))}
    if not number:
        raise FoldshipError(
            "stages: layer_decay does not fit the backbone",
            expected="layers with a number, as in encoder.layer.0",
            fix="remove layer_decay",
        )
    top = max(number.values())
    return {
        name: top - number[name] if name in number else (top + 1 if "embeddings" in name else 0)
        for name in names
    }
