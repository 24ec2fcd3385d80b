"""The network: one shared encoder over a row's towers, and a head over their vectors and the features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from foldship.config.network import Head
from foldship.config.schema import Model
from foldship.modelling import backbone
from foldship.modelling.ordinal import Grid, OrdinalDecode


class Encoder(nn.Module):
    """Token sequences to pooled vectors.

    Args:
        backbone: a transformers encoder, or a PEFT model around one.
        pooling: what is read off the last layer, joined in this order: `cls`, `mean` (over real tokens).
    """

    def __init__(self, backbone: nn.Module, pooling: Sequence[str]) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = tuple(pooling)
        config: Any = backbone.config
        self.width: int = config.hidden_size * len(self.pooling)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """(B, L) int64 each -> (B, width) float32."""
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            inputs["token_type_ids"] = token_type_ids
        hidden = self.backbone(**inputs).last_hidden_state.float()
        parts = []
        for kind in self.pooling:
            if kind == "cls":
                parts.append(hidden[:, 0])
            else:
                mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
                parts.append((hidden * mask).sum(1) / mask.sum(1))
        return torch.cat(parts, dim=-1)


class RowHead(nn.Module):
    """Pooled towers and features to logits; with a grid of levels, those of its expected values."""

    def __init__(
        self, pooled: int, features: int, outputs: int, config: Head, grid: Grid | None = None
    ) -> None:
        super().__init__()
        self.decode = None if grid is None else OrdinalDecode(grid)
        if self.decode is not None:
            outputs = self.decode.inputs
        width = pooled + features
        layers: list[nn.Module] = [nn.Dropout(config.dropout)]
        if config.hidden is not None:
            layers += [nn.Linear(width, config.hidden), nn.GELU(), nn.Dropout(config.dropout)]
            width = config.hidden
        layers.append(nn.Linear(width, outputs))
        self.layers = nn.Sequential(*layers)

    def forward(self, pooled: Tensor, features: Tensor) -> Tensor:
        """(N, towers * width) and (N, F) float32 -> (N, C) float32."""
        logits: Tensor = self.layers(torch.cat([pooled, features], dim=-1))
        return logits if self.decode is None else self.decode(logits)


class RowModel(nn.Module):
    """Encoder and head together."""

    def __init__(self, encoder: Encoder, head: RowHead) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(
        self,
        index: Tensor,
        features: Tensor,
        pooled: Tensor | None = None,
        **tokens: Tensor,
    ) -> Tensor:
        """Logits (N, C) of N rows.

        Args:
            index: (N, T) int64, which vector each row's tower reads.
            features: (N, F) float32.
            pooled: (S, width) vectors computed before; else `tokens` are encoded.
            tokens: the encoder's inputs, (S, L) int64 each.
        """
        vectors = self.encoder(**tokens) if pooled is None else pooled
        logits: Tensor = self.head(vectors[index].flatten(1), features)
        return logits


def build(
    config: Model,
    source: str,
    *,
    features: int,
    outputs: int,
    attention: str = "sdpa",
    quantise: bool = False,
    grid: Grid | None = None,
) -> RowModel:
    """A fresh network for `config`, its head initialised from torch's global seed.

    Args:
        config: the model's settings.
        source: what `backbone.locate` returned.
        features: width of the feature vector.
        outputs: number of targets.
        attention: `sdpa` to train, `eager` to export.
        quantise: whether the base is held in 4 bits.
        grid: levels of the targets, where the head learns thresholds between them.
    """
    base = backbone.load_encoder(
        source,
        dropout=config.encoder_dropout,
        attention=attention,
        adapter=config.adapter,
        quantise=quantise,
    )
    encoder = Encoder(base, config.pooling)
    head = RowHead(encoder.width * len(config.towers), features, outputs, config.head, grid)
    return RowModel(encoder, head)
