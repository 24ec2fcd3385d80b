"""The encoder that retrieval seeks by meaning with: a pretrained one as it is, as a graph for CPUs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import PretrainedConfig

from foldship.export import precision, trace
from foldship.export.fusion import fuse
from foldship.modelling import backbone, graph_files
from foldship.modelling.model import Encoder
from foldship_kernel import batching
from foldship_kernel.atomic import replacing
from foldship_kernel.encode import EncodingSpec, join
from foldship_kernel.errors import FoldshipError
from foldship_kernel.retrieval.index import ENCODER, TOKENIZER
from foldship_kernel.retrieval.meaning import TEXT, Embedder
from foldship_kernel.text import normalise_all
from foldship_kernel.tokens import TokenStore

LEAST_COSINE = 0.999  # between a text's vectors before and after the export
_PROBE_TOKENS = 2048


def write(source: str, encoding: EncodingSpec, folder: Path, probe: Sequence[str]) -> None:
    """Write the graph (fp16 weights, fp32 arithmetic; the mean over a text's tokens) and its tokenizer.

    Args:
        source: what `backbone.locate` returned.
        encoding: how a text is read.
        folder: where to.
        probe: texts on which the graph has to give the vectors that the encoder gives.

    Raises:
        FoldshipError: the encoder is not to be had, or its graph gives other vectors.
    """
    encoder = Encoder(backbone.load_encoder(source, attention="eager"), ["mean"]).eval()
    with replacing(folder / TOKENIZER) as path:
        backbone.load_tokenizer(source).backend_tokenizer.save(str(path))
    with tempfile.TemporaryDirectory(prefix=".encoder-", dir=folder) as scratch:
        traced = Path(scratch) / "traced.onnx"
        trace.trace_encoder(encoder, traced, segment_ids=encoding.segment_ids)
        place = Path(scratch)
        fused = graph_files.store(fuse(traced, cast(PretrainedConfig, encoder.backbone.config)), traced)
        half = graph_files.store(precision.halve(fused, folder=place), place / "half.onnx")
        whole = graph_files.whole(precision.widen(fused, half), place, f"retrieval: the graph of {source}")
    graph_files.save(whole, folder / ENCODER)
    found = Embedder(folder / ENCODER, folder / TOKENIZER, encoding)(probe)
    cosine = (found * _vectors(encoder, folder / TOKENIZER, encoding, probe)).sum(axis=1)
    if not len(probe) or cosine.min() >= LEAST_COSINE:
        return
    raise FoldshipError(
        f"retrieval: the graph of {source} gives other vectors than the encoder",
        expected=f"a cosine of at least {LEAST_COSINE} for every text",
        found=f"{cosine.min():.4f} for {probe[int(cosine.argmin())][:60]!r}",
        fix="choose another retrieval.backbone in competition.yaml, or set retrieval.dense: 0",
    )


def _vectors(
    encoder: Encoder, tokenizer: Path, encoding: EncodingSpec, texts: Sequence[str]
) -> NDArray[np.float32]:
    """Vectors of length 1 by the torch encoder: (texts, width) float32."""
    store = TokenStore(Tokenizer.from_file(str(tokenizer)), encoding.reach)
    encoded = join(store, {TEXT: store.add(normalise_all(texts))}, encoding)
    result = np.empty((len(encoded.lengths), encoder.width), dtype=np.float32)
    with torch.inference_mode():
        for batch in batching.plan(encoded.lengths, _PROBE_TOKENS):
            inputs = batching.pad(encoded, batch, encoding)
            result[batch] = encoder(**{name: torch.from_numpy(value) for name, value in inputs.items()})
    result /= np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-12)
    return result[encoded.index[:, 0]]
