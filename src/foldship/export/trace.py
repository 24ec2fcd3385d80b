"""Torch modules to ONNX graphs: the one module that knows Optimum."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from optimum.exporters.onnx import export
from optimum.exporters.onnx.config import TextEncoderOnnxConfig
from optimum.utils import DummyTextInputGenerator, NormalizedTextConfig, logging
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from foldship.modelling import graph_files
from foldship.modelling.model import Encoder
from foldship_kernel.errors import FoldshipError

OPSET = 17  # newest that the fusion patterns and ONNX Runtime 1.26 both take
TOKENS, POOLED, FEATURES, LOGITS = ("input_ids", "attention_mask"), "pooled", "features", "logits"
SEGMENTS, SPANS = "token_type_ids", "spans"
_LARGE = "_data"  # what the file ends with that Optimum puts the weights of a graph above 2 GB into


class _Traced(nn.Module):
    """The encoder with the `config` attribute that Optimum reads and writes, a copy of the backbone's."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.config = copy.deepcopy(encoder.backbone.config)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        spans: Tensor | None = None,
    ) -> Tensor:
        pooled: Tensor = self.encoder(input_ids, attention_mask, token_type_ids, spans)
        return pooled


class _Generator(DummyTextInputGenerator):
    """Makes the inputs to trace with; those of spans are numbers of spans that a token belongs to."""

    SUPPORTED_INPUT_NAMES = (*DummyTextInputGenerator.SUPPORTED_INPUT_NAMES, SPANS)

    def generate(
        self, input_name: str, framework: str = "pt", int_dtype: str = "int64", float_dtype: str = "fp32"
    ) -> Any:
        if input_name == SPANS:
            shape = [self.batch_size, self.sequence_length]
            return self.random_int_tensor(shape, 4, framework=framework, dtype=int_dtype)
        return super().generate(input_name, framework, int_dtype, float_dtype)


class _EncoderConfig(TextEncoderOnnxConfig):
    """Names and dynamic axes of the encoder's graph."""

    NORMALIZED_CONFIG_CLASS = NormalizedTextConfig
    DUMMY_INPUT_GENERATOR_CLASSES = (_Generator,)
    names: tuple[str, ...] = TOKENS

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        return {name: {0: "sequences", 1: "tokens"} for name in self.names}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        return {POOLED: {0: "sequences"}}


def names(*, segment_ids: bool, spans: bool) -> tuple[str, ...]:
    """Inputs of an encoder's graph."""
    return (*TOKENS, *((SEGMENTS,) if segment_ids else ()), *((SPANS,) if spans else ()))


def trace_encoder(encoder: Encoder, path: Path, *, segment_ids: bool, spans: bool = False) -> None:
    """Write the encoder's fp32 graph.

    Args:
        encoder: adapters merged, attention "eager": the fusion patterns know no other.
        path: where to write, the weights beside it; the graph maps (B, L) int64 each to "pooled" (B, P)
            float32.
        segment_ids: whether it reads token type ids.
        spans: whether it reads which spans tokens belong to.

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
    config = _EncoderConfig(model.config)
    config.names = names(segment_ids=segment_ids, spans=spans)
    with _quiet():
        export(model, config, path, opset=OPSET)
    traced = graph_files.load(path)
    for node in traced.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):  # Optimum puts constants of any kind into its file
                graph_files.take_in(attribute.t, path.parent)
    graph_files.store(traced, path)
    path.with_name(path.name + _LARGE).unlink(missing_ok=True)


def trace_head(head: nn.Module, path: Path, *, pooled: int, features: int) -> None:
    """Write the head's fp32 graph: "pooled" (N, pooled) and "features" (N, features) to "logits" (N, C)."""
    example = (torch.zeros(2, pooled), torch.zeros(2, features))
    ends = (POOLED, FEATURES, LOGITS)
    with _quiet(), torch.inference_mode():
        torch.onnx.export(
            head.eval(),
            example,
            str(path),
            input_names=list(ends[:2]),
            output_names=list(ends[2:]),
            dynamic_axes={name: {0: "rows"} for name in ends},
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
