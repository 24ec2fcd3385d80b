"""Torch modules to ONNX graphs: the one module that knows Optimum."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from optimum.exporters.onnx import export
from optimum.exporters.onnx.config import TextEncoderOnnxConfig
from optimum.utils import NormalizedTextConfig, logging
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from foldship.modelling.model import Encoder
from foldship_kernel.errors import FoldshipError

OPSET = 17  # newest that the fusion patterns and ONNX Runtime 1.26 both take
TOKENS, POOLED, FEATURES, LOGITS = ("input_ids", "attention_mask"), "pooled", "features", "logits"
SEGMENTS = "token_type_ids"


class _Traced(nn.Module):
    """The encoder with the `config` attribute that Optimum reads and writes, a copy of the backbone's."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.config = copy.deepcopy(encoder.backbone.config)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> Tensor:
        pooled: Tensor = self.encoder(input_ids, attention_mask, token_type_ids)
        return pooled


class _EncoderConfig(TextEncoderOnnxConfig):
    """Names and dynamic axes of the encoder's graph."""

    NORMALIZED_CONFIG_CLASS = NormalizedTextConfig

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        return {name: {0: "sequences", 1: "tokens"} for name in TOKENS}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        return {POOLED: {0: "sequences"}}


class _SegmentedEncoderConfig(_EncoderConfig):
    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        return {name: {0: "sequences", 1: "tokens"} for name in (*TOKENS, SEGMENTS)}


def trace_encoder(encoder: Encoder, path: Path, *, segment_ids: bool) -> None:
    """Write the encoder's fp32 graph.

    Args:
        encoder: adapters merged, attention "eager": the fusion patterns know no other.
        path: where to write; the graph maps (B, L) int64 each to "pooled" (B, P) float32.
        segment_ids: whether it reads token type ids.

    Raises:
        FoldshipError: the backbone does not run eager attention.
    """
    attention = getattr(encoder.backbone.config, "_attn_implementation", "eager")
    if attention != "eager":
        raise FoldshipError(
            "the encoder cannot be traced: its attention would not fuse",
            expected="attention eager",
            found=attention,
            fix='load it with `store.load_fold(..., attention="eager")`',
        )
    model = _Traced(encoder).eval()
    config = (_SegmentedEncoderConfig if segment_ids else _EncoderConfig)(model.config)
    with _quiet():
        export(model, config, path, opset=OPSET)


def trace_head(head: nn.Module, path: Path, *, pooled: int, features: int) -> None:
    """Write the head's fp32 graph: "pooled" (N, pooled) and "features" (N, features) to "logits" (N, C)."""
    example = (torch.zeros(2, pooled), torch.zeros(2, features))
    names = (POOLED, FEATURES, LOGITS)
    with _quiet(), torch.inference_mode():
        torch.onnx.export(
            head.eval(),
            example,
            str(path),
            input_names=list(names[:2]),
            output_names=list(names[2:]),
            dynamic_axes={name: {0: "rows"} for name in names},
            opset_version=OPSET,
            dynamo=False,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what the exporters say about themselves; the parity checks decide."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TracerWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.filterwarnings("ignore", module=r"torch\.onnx")
            yield
    finally:
        logging.set_verbosity(verbosity)
