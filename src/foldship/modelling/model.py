"""The network: one shared encoder over a row's towers, and a head over their vectors and the features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from foldship.config.network import PoolingKind, deepest
from foldship.config.schema import Model
from foldship.modelling import backbone, heads, upper
from foldship.modelling.ordinal import OrdinalDecode
from foldship.modelling.pooling import Pooling
from foldship_kernel.features import FeatureSpec


class Encoder(nn.Module):
    """Token sequences to pooled vectors.

    Args:
        backbone: a transformers encoder, or a PEFT model around one.
        pooling: what is read off its layers, joined in this order.
        spans: names of the spans that pooling may read, in the order of their numbers.

    Attributes:
        width: of a pooled vector.
    """

    def __init__(
        self, backbone: nn.Module, pooling: Sequence[PoolingKind], spans: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.backbone = backbone
        config: Any = backbone.config
        self.pooling = Pooling(pooling, config.num_hidden_layers, config.hidden_size, spans)
        self.width = self.pooling.width

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        spans: Tensor | None = None,
    ) -> Tensor:
        """(B, L) int64 each -> (B, width) float32."""
        inputs: dict[str, Any] = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            inputs["token_type_ids"] = token_type_ids
        if self.pooling.every_layer:
            layers = self.backbone(**inputs, output_hidden_states=True).hidden_states
        else:
            layers = [self.backbone(**inputs).last_hidden_state]
        pooled: Tensor = self.pooling([states.float() for states in layers], attention_mask, spans)
        return pooled

    def above(
        self, states: Tensor, attention_mask: Tensor, depth: int, spans: Tensor | None = None
    ) -> Tensor:
        """The same from what the lowest `depth` layers made of the tokens, (B, L, H) float32.

        Pooling must read nothing below them.
        """
        found = [layer.float() for layer in upper.run(self.backbone, states, attention_mask, depth)]
        pooled: Tensor = self.pooling([*found[:1] * depth, *found], attention_mask, spans)
        return pooled


class RowModel(nn.Module):
    """Encoder and head together.

    Args:
        encoder: token sequences to vectors.
        head: (N, towers * width) vectors and (N, F) features to (N, C) logits.
    """

    def __init__(self, encoder: Encoder, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(
        self,
        index: Tensor,
        features: Tensor,
        pooled: Tensor | None = None,
        readings: Tensor | None = None,
        parts: Sequence[Mapping[str, Any]] = (),
    ) -> Tensor:
        """Logits (N, C) of N rows.

        Args:
            index: (R, T) int64, which vector each reading's tower reads; rows have one reading each, so that
                R = N, unless `readings` says otherwise.
            features: (N, F) float32.
            pooled: (S, width) vectors computed before; else `parts` are encoded.
            readings: (N,) int64, how many readings each row has, one after another; a row's logits are the
                mean of theirs.
            parts: inputs of `Encoder.forward`, or of `Encoder.above`, for some of the S sequences each, one
                after another.
        """
        vectors = torch.cat([self._encode(part) for part in parts]) if pooled is None else pooled
        if readings is None:
            logits: Tensor = self.head(vectors[index].flatten(1), features)
            return logits
        logits = self.head(vectors[index].flatten(1), features.repeat_interleave(readings, dim=0))
        mean: Tensor = torch.segment_reduce(logits.float(), "mean", lengths=readings)
        return mean

    def _encode(self, part: Mapping[str, Any]) -> Tensor:
        vectors: Tensor = self.encoder.above(**part) if "states" in part else self.encoder(**part)
        return vectors


def build(
    config: Model,
    source: str,
    *,
    features: FeatureSpec,
    outputs: Sequence[str],
    decode: OrdinalDecode | None = None,
    spans: Sequence[str] = (),
    attention: str = "sdpa",
    quantise: bool = False,
) -> RowModel:
    """A fresh network for `config`, its learned pooling and its head initialised from torch's global seed.

    Args:
        config: the model's settings.
        source: what `backbone.locate` returned.
        features: what the feature vector is made of.
        outputs: the target of each output, outputs of a target side by side.
        decode: see `heads.build`.
        spans: names of the spans that texts may have, in the order of their numbers.
        attention: `sdpa` to train, `eager` to export.
        quantise: whether the base is held in 4 bits.

    Raises:
        FoldshipError: the backbone cannot be had, or `head.views` does not fit the targets.
    """
    base = backbone.load_encoder(
        source,
        dropout=config.encoder_dropout,
        attention=attention,
        adapter=config.adapter,
        quantise=quantise,
        layers=deepest(config.pooling),
    )
    encoder = Encoder(base, config.pooling, spans)
    one_hots = {one_hot.column: len(one_hot.values) + one_hot.others for one_hot in features.one_hots}
    known = {name: width for name, width in one_hots.items() if width}
    inputs = heads.Inputs(
        towers=len(config.towers),
        width=encoder.width,
        features=features.width,
        one_hots=tuple(known.values()),
        names=tuple(known),
        embedding=config.features.embedding,
    )
    return RowModel(encoder, heads.build(inputs, outputs, config.head, decode))


def in_backbone(name: str) -> bool:
    """Whether a parameter of a `RowModel` is the backbone's: learned pooling is trained as the head is."""
    return name.startswith("encoder.backbone.")
