"""One model's folds: merge, trace, fuse, halve, store, and a parity check after every step."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from tqdm.auto import tqdm
from transformers import PretrainedConfig

from foldship import folders
from foldship.export import parity, precision, seal, sources, structure, trace, weights_store
from foldship.export.fusion import fuse, fused_attentions, tidy
from foldship.export.merge import merge_adapters
from foldship.export.staging import replacing_folder
from foldship.modelling import predict, store
from foldship.modelling.model import RowModel
from foldship.modelling.store import ModelCard
from foldship_kernel import batching, tasks
from foldship_kernel.atomic import write_json
from foldship_kernel.encode import EncodedRows
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks.base import activate

PARITY = "parity.json"
PROBE_TOKENS = 4096  # tokens a batch when intermediates are measured
STEPS_A_FOLD = 2


@dataclass(frozen=True)
class Rows:
    """What the parity checks run on."""

    encoded: EncodedRows
    features: NDArray[np.float32]


@dataclass
class _Fold:
    """A fold on its way: its ladder, fp32 outputs, graphs in the scratch folder, largest intermediates."""

    number: int
    ladder: parity.Ladder
    fused: parity.Outputs
    encoder: Path
    head: Path
    largest: dict[str, float]
    attentions: int


def run(
    model_dir: Path, folds: Sequence[int], encoded: EncodedRows, features: NDArray[np.float32], out: Path
) -> dict[str, Any]:
    """Export the folds of a model into `out`; nothing is done when it holds just that, undamaged.

    `out` then holds, per fold, `encoder-fold<k>.onnx` (fp16), `encoder-fold<k>.cpu.onnx` (the same fp16
    weights with fp32 arithmetic, which CPUs run faster) and `head-fold<k>.onnx` (fp32), their weights in
    `weights-*.bin`, and `export.json`, `parity.json` and a receipt.

    Args:
        model_dir: with `model.json`, `tokenizer/` and `fold<k>/`.
        folds: numbers of the folds.
        encoded, features: real rows of all lengths, and their features (rows, F); parity is checked on them,
            and on one row of a single token and one of the longest sequences.
        out: replaced as a whole, when all is well.

    Returns:
        The content of `export.json`.

    Raises:
        FoldshipError: a fold cannot be read, attention does not fuse, or folds differ in structure.
        ParityError: an exported model does not predict what the trained one does.
    """
    card = store.load_card(model_dir)
    inputs = sources.fingerprint(card, model_dir, folds, encoded, features)
    folders.restore(out)
    done = seal.intact(out, inputs)
    if done is not None:
        return done
    sources.refuse_left_padding(model_dir / store.TOKENIZER)
    rows = Rows(*parity.with_extremes(encoded, features, card.encoding))
    with (
        replacing_folder(out) as folder,
        tempfile.TemporaryDirectory(prefix=f".{out.name}-scratch-", dir=out.parent) as scratch_name,
        tqdm(total=STEPS_A_FOLD * len(folds), desc=f"export {card.name}", unit="step", leave=False) as bar,
    ):
        scratch = Path(scratch_name)
        done_folds = []
        for fold in folds:
            done_folds.append(_to_fp32(card, model_dir, fold, rows, scratch))
            bar.update()
        kept, half, structures = _to_fp16(done_folds, scratch)
        stored = weights_store.store(half, folder)
        results = []
        for done_fold in done_folds:
            results.append(_check_shipped(card, done_fold, rows, folder))
            bar.update()
        summary = _summary(done_folds, stored, structures, kept, folder)
        write_json(folder / seal.EXPORT, summary)
        write_json(folder / PARITY, {"model": card.name, "folds": results})
        seal.write(folder, inputs)
    return summary


def _to_fp32(card: ModelCard, model_dir: Path, fold: int, rows: Rows, scratch: Path) -> _Fold:
    """Climb from the trained fold to its fused fp32 graphs."""
    model = store.load_fold(model_dir, fold, attention="eager")
    trained = _torch_outputs(card, model, rows)
    ladder = parity.Ladder(fold, card.targets, trained)
    merge_adapters(model)
    merged = ladder.climb(parity.MERGED, _torch_outputs(card, model, rows), trained)

    encoder, head = scratch / f"encoder-fold{fold}.fp32.onnx", scratch / f"head-fold{fold}.onnx"
    trace.trace_encoder(model.encoder, encoder, segment_ids=card.encoding.segment_ids)
    fused = fuse(encoder, cast(PretrainedConfig, model.encoder.backbone.config))
    names = (*trace.TOKENS, *((trace.SEGMENTS,) if card.encoding.segment_ids else ()))
    parity.check_names(fused, names, trace.POOLED, f"fold {fold}, encoder")
    onnx.save(fused, encoder)
    pooled = rows.encoded.index.shape[1] * model.encoder.width
    trace.trace_head(model.head, head, pooled=pooled, features=rows.features.shape[1])
    traced_head = tidy(onnx.load(head))
    parity.check_names(traced_head, (trace.POOLED, trace.FEATURES), trace.LOGITS, f"fold {fold}, head")
    onnx.save(traced_head, head)

    outputs = ladder.climb(parity.FUSED, _graph_outputs(card, encoder, head, rows), merged)
    largest = precision.maxima(fused, _batches(card, rows.encoded))
    return _Fold(fold, ladder, outputs, encoder, head, largest, fused_attentions(fused))


def _to_fp16(
    folds: Sequence[_Fold], scratch: Path
) -> tuple[list[str], list[weights_store.Graph], dict[str, str]]:
    """Halve all folds alike: what overflows in one fold stays in fp32 in all, so that all share one graph."""
    kept: set[str] = set()
    for fold in folds:
        kept |= precision.overflowing(onnx.load(fold.encoder), fold.largest)
    graphs: list[weights_store.Graph] = []
    structures: dict[str, str] = {}
    for fold in folds:
        model = onnx.load(fold.encoder)
        half = precision.halve(model, kept)
        forms = {
            "encoder": (half, _names(fold.number)["encoder"]),
            "encoder_cpu": (precision.widen(model, half), _names(fold.number)["encoder_cpu"]),
            "head": (onnx.load(fold.head), _names(fold.number)["head"]),
        }
        for kind, (graph, name) in forms.items():
            _check_structure(structures, kind, structure.digest(graph), fold.number)
            source = scratch / name
            onnx.save(graph, source)
            graphs.append(weights_store.Graph(source, name, fold.number))
        fold.encoder.unlink()
    return sorted(kept), graphs, structures


def _check_shipped(card: ModelCard, fold: _Fold, rows: Rows, folder: Path) -> dict[str, Any]:
    """The last rungs, on the files that are shipped."""
    names = _names(fold.number)
    for rung, encoder in ((parity.HALF_CPU, names["encoder_cpu"]), (parity.HALF, names["encoder"])):
        outputs = _graph_outputs(card, folder / encoder, folder / names["head"], rows)
        fold.ladder.climb(rung, outputs, fold.fused)
    return fold.ladder.result()


def _summary(
    folds: Sequence[_Fold],
    stored: weights_store.Stored,
    structures: dict[str, str],
    kept: list[str],
    folder: Path,
) -> dict[str, Any]:
    tensor, largest = max(
        ((name, size) for fold in folds for name, size in fold.largest.items()), key=lambda item: item[1]
    )
    entries = []
    for fold in folds:
        names = _names(fold.number)
        weights = sorted({file for name in names.values() for file in stored.files[name]})
        entries.append({"fold": fold.number, **names, "weights": weights})
    return {
        "folds": entries,
        "structure": structures,
        "fused_attentions": folds[0].attentions,
        "kept_in_fp32": kept,
        "largest_intermediate": {"tensor": tensor, "value": largest, "limit": precision.SAFE},
        "sizes": {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
        "sharing": {
            "stored_bytes": stored.stored,
            "unshared_bytes": stored.unshared,
            "saved": 1 - stored.stored / stored.unshared if stored.unshared else 0.0,
        },
    }


def _names(fold: int) -> dict[str, str]:
    return {
        "encoder": f"encoder-fold{fold}.onnx",
        "encoder_cpu": f"encoder-fold{fold}.cpu.onnx",
        "head": f"head-fold{fold}.onnx",
    }


def _check_structure(structures: dict[str, str], kind: str, digest: str, fold: int) -> None:
    if structures.setdefault(kind, digest) != digest:
        raise FoldshipError(
            f"fold {fold}: its {kind} graph differs from the first fold's in more than weights",
            expected=structures[kind],
            found=digest,
            fix="train all folds with the same settings: delete the model's folder and run `make train`",
        )


def _torch_outputs(card: ModelCard, model: RowModel, rows: Rows) -> parity.Outputs:
    vectors = predict.encode(model, rows.encoded, card.encoding)
    logits = predict.logits(model, vectors, rows.encoded, rows.features)
    return activate(logits, tasks.get(card.competition).ACTIVATION)


def _graph_outputs(card: ModelCard, encoder: Path, head: Path, rows: Rows) -> parity.Outputs:
    logits = parity.run_graphs(encoder, head, rows.encoded, rows.features, card.encoding)
    return activate(logits, tasks.get(card.competition).ACTIVATION)


def _batches(card: ModelCard, encoded: EncodedRows) -> Iterator[dict[str, NDArray[np.int64]]]:
    for batch in batching.plan(encoded.lengths, PROBE_TOKENS):
        yield batching.pad(encoded, batch, card.encoding)
