"""An encoder cut in two: lower layers, and upper layers on the states that the lower ones give.

Layers that never learn give the same states for a sequence in every epoch and every fold.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from foldship.modelling.attention import KINDS


def fits(backbone: nn.Module, depth: int) -> bool:
    """Whether an encoder can be cut above its lowest `depth` layers, and these always give the same states.

    Its layers must hand on nothing but states, and nothing below the cut may drop any of them.
    """
    layers = getattr(getattr(backbone, "encoder", None), "layer", ())
    if not 0 < depth < len(layers) or not all(_is_plain(layer) for layer in layers):
        return False
    below = [backbone.get_submodule("embeddings"), *layers[:depth]]
    return not any(
        isinstance(module, nn.Dropout) and module.p > 0 for part in below for module in part.modules()
    )


def cut(backbone: Any, depth: int) -> None:
    """Take the layers above the lowest `depth` off, where they are a list as in BERT and its kin."""
    layers = getattr(getattr(backbone, "encoder", None), "layer", None)
    if isinstance(layers, nn.ModuleList):
        backbone.encoder.layer = layers[:depth]
        backbone.config.num_hidden_layers = depth


def run(backbone: Any, states: Tensor, mask: Tensor, depth: int) -> list[Tensor]:
    """The states of all layers from the lowest `depth` ones' on, (B, L, H) each, given those.

    Args:
        backbone: an encoder that `fits`, whole.
        states: of real tokens; of padding, anything finite.
        mask: (B, L) int64, 1 for real tokens.
        depth: number of layers that the states come from.
    """
    additive = backbone.get_extended_attention_mask(mask, mask.shape)
    found = [states]
    for layer in backbone.encoder.layer[depth:]:
        found.append(layer(found[-1], additive)[0])
    return found


def _is_plain(layer: nn.Module) -> bool:
    attention = getattr(getattr(layer, "attention", None), "self", None)
    return type(attention).__name__ in KINDS
