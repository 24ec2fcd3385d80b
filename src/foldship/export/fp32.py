"""A fold on its first rungs: from what was trained, here or elsewhere, to graphs in fp32."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import nn
from transformers import PretrainedConfig

from foldship.export import parity, precision, trace
from foldship.export.draft import FP32, HEAD, Draft, name
from foldship.export.fusion import fuse, fused_attentions, tidy
from foldship.export.merge import merge_adapters
from foldship.export.samples import Rows
from foldship.mishaps import step
from foldship.modelling import adopted, graph_files, library, predict
from foldship.modelling.library import Card
from foldship.modelling.model import RowModel
from foldship_kernel import batching
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.fold import Fold

PROBE_TOKENS = 4096  # tokens a batch when intermediates are measured


@step("fold {fold}")
def draft(card: Card, model_dir: Path, fold: int, rows: Rows, scratch: Path) -> Draft:
    """The fp32 graphs of a fold, with the first rungs of its ladder.

    Raises:
        FoldshipError: the fold cannot be read, or attention does not fuse.
        ParityError: a graph does not predict what the fold does.
    """
    if isinstance(card, adopted.AdoptedCard) and card.kind == adopted.ONNX:
        return _as_given(card, model_dir, fold, rows, scratch)
    return _to_fp32(card, model_dir, fold, rows, scratch)


def _to_fp32(card: Card, model_dir: Path, fold: int, rows: Rows, scratch: Path) -> Draft:
    """Climb from the trained fold to its fused fp32 graphs."""
    model = library.load_fold(model_dir, fold, attention="eager")
    trained = _torch_outputs(card, model, rows)
    ladder = parity.Ladder(fold, card.targets, trained)
    merged = trained
    if merge_adapters(model):
        merged = ladder.climb(parity.MERGED, _torch_outputs(card, model, rows), trained)

    encoder = scratch / name(fold, FP32)
    read = {"segment_ids": card.encoding.segment_ids, "spans": card.encoding.spans}
    config, head_module, width = (
        cast(PretrainedConfig, model.encoder.backbone.config),
        model.head,
        model.encoder.width,
    )
    trace.trace_encoder(model.encoder, encoder, **read)
    del model  # its weights are in the graph now: large ones have room in memory once
    fused = fuse(encoder, config)
    parity.check_names(fused, trace.names(**read), trace.POOLED, f"fold {fold}, encoder")
    fused = graph_files.store(fused, encoder)
    head = _head(card, head_module, width, fold, rows, scratch)
    graphs = Fold(encoder, encoder, head, gpus=0)
    outputs = ladder.climb(parity.FUSED, parity.outputs(card, graphs, rows), merged)
    largest = precision.maxima(fused, _batches(card, rows.encoded), scratch)
    return Draft(fold, scratch, ladder, outputs, largest, fused_attentions(fused))


def _as_given(card: adopted.AdoptedCard, model_dir: Path, fold: int, rows: Rows, scratch: Path) -> Draft:
    """Take an adopted graph as it is; its ladder begins with what ONNX Runtime makes of it."""
    encoder = scratch / name(fold, FP32)
    source = model_dir / f"fold{fold}" / adopted.GRAPH
    given = graph_files.store(tidy(graph_files.load(source)), encoder, source.parent)
    (width,) = {len(row) for row in card.mixture}
    head = _head(card, card.head(), width, fold, rows, scratch)
    outputs = parity.outputs(card, Fold(encoder, encoder, head, gpus=0), rows)
    ladder = parity.Ladder(fold, card.targets, outputs)
    largest = precision.maxima(given, _batches(card, rows.encoded), scratch)
    return Draft(fold, scratch, ladder, outputs, largest, fused_attentions(given))


def _head(card: Card, head: nn.Module, width: int, fold: int, rows: Rows, scratch: Path) -> Path:
    """Write the head's graph, from vectors of `width` to logits."""
    path = scratch / name(fold, HEAD)
    pooled = rows.encoded.index.shape[1] * width
    trace.trace_head(head, path, pooled=pooled, features=rows.features.shape[1])
    traced = tidy(onnx.load(path))
    parity.check_names(traced, (trace.POOLED, trace.FEATURES), trace.LOGITS, f"fold {fold}, head")
    onnx.save(traced, path)
    return path


def _torch_outputs(card: Card, model: RowModel, rows: Rows) -> parity.Outputs:
    vectors = predict.encode(model, rows.encoded, card.encoding)
    logits = predict.logits(model, vectors, rows.encoded, rows.features)
    return card.task.unit_outputs(logits)


def _batches(card: Card, encoded: EncodedRows) -> Iterator[dict[str, NDArray[np.int64]]]:
    for batch in batching.plan(encoded.lengths, PROBE_TOKENS):
        yield batching.pad(encoded, batch, card.encoding)
