"""One model's folds: merge, trace, fuse, halve, store, and a parity check after every step."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship import folders
from foldship.export import (
    decided,
    fp32,
    half_precision,
    parity,
    precision,
    seal,
    sources,
    structure,
    weights_store,
)
from foldship.export.candidates import AUTO, ENCODER, REFERENCE, Candidate
from foldship.export.cpu_engine import choose
from foldship.export.draft import FP32, HALF, Draft, shipped
from foldship.export.engine_trial import Trial
from foldship.export.samples import HeldOut, Rows
from foldship.mishaps import step
from foldship.modelling import graph_files, library, store
from foldship.modelling.library import Card
from foldship.terminals import bar as progress_bar
from foldship_kernel.atomic import write_json
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.errors import FoldshipError
from foldship_kernel.fold import Fold

PARITY = "parity.json"
STEPS_A_FOLD = 2


@step("exporting {model_dir.name}")
def run(
    model_dir: Path,
    folds: Sequence[int],
    encoded: EncodedRows,
    features: NDArray[np.float32],
    out: Path,
    *,
    cpu_engine: str = REFERENCE.name,
    held_out: Mapping[int, HeldOut] = MappingProxyType({}),
    gpu: bool = True,
) -> dict[str, Any]:
    """Export the folds of a model into `out`; nothing is done when it holds just that, undamaged.

    `out` then holds, per fold, `encoder-fold<k>.onnx` (fp16), `encoder-fold<k>.cpu.onnx` (the same fp16
    weights with fp32 arithmetic, which CPUs run faster) and `head-fold<k>.onnx` (fp32), their weights in
    `weights-*.bin`, and `export.json`, `parity.json` and a receipt. Where int8 is what runs on a CPU,
    `encoder-fold<k>.int8.onnx` takes the place of `encoder-fold<k>.cpu.onnx`.

    Args:
        model_dir: with `model.json`, `tokenizer/` and `fold<k>/`.
        folds: numbers of the folds.
        encoded, features: real rows of all lengths, and their features (rows, F); parity is checked on them,
            and on one row of a single token and one of the longest sequences.
        out: replaced as a whole, when all is well.
        cpu_engine: what runs the model on a CPU: the name of a candidate, or "auto".
        held_out: per fold, rows that it was not trained on; read only where engines are tried.
        gpu: whether the kernel may run on a GPU, in half precision. Where it does not, weights that do not
            bear that are no failure, but a note in `export.json`.

    Returns:
        The content of `export.json`.

    Raises:
        FoldshipError: a fold cannot be read, attention does not fuse, folds differ in structure, or an engine
            was asked for that cannot be used.
        ParityError: an exported model does not predict what the trained one does.
    """
    card = library.load_card(model_dir)
    rows = Rows(encoded, features)
    inputs = sources.fingerprint(card, model_dir, folds, rows, cpu_engine, held_out)
    folders.restore(out)
    done = seal.intact(out, inputs)
    if done is not None and not (gpu and done["half_precision"]):
        return done
    sources.refuse_left_padding(model_dir / store.TOKENIZER)
    rows = parity.with_extremes(rows, card.encoding)
    with (
        folders.replacing(out) as folder,
        tempfile.TemporaryDirectory(prefix=f".{out.name}-scratch-", dir=out.parent) as scratch_name,
        progress_bar(total=STEPS_A_FOLD * len(folds), desc=f"export {card.name}", unit="step") as bar,
    ):
        scratch = Path(scratch_name)
        drafts = []
        for fold in folds:
            drafts.append(fp32.draft(card, model_dir, fold, rows, scratch))
            bar.update()
        kept = _to_fp16(drafts)
        before = decided.read(model_dir, inputs)
        engine, trials = choose(card, rows, drafts, held_out, cpu_engine, before)
        if cpu_engine == AUTO and not before:
            decided.keep(model_dir, inputs, trials)
        graphs, structures = _to_store(drafts, engine)
        stored = weights_store.store(graphs, folder)
        results, faults = [], []
        for draft in drafts:
            result, fault = _check_shipped(card, draft, engine, rows, folder, gpu)
            results.append(result)
            faults += fault
            bar.update()
        summary = _summary(drafts, engine, trials, stored, structures, kept, folder)
        summary["half_precision"] = faults
        write_json(folder / seal.EXPORT, summary)
        write_json(folder / PARITY, {"model": card.name, "folds": results})
        seal.write(folder, inputs)
    return summary


def _to_fp16(drafts: Sequence[Draft]) -> list[str]:
    """Halve all folds alike: what overflows in one fold stays in fp32 in all, so that all share one graph."""
    kept: set[str] = set()
    for draft in drafts:
        model = graph_files.load(draft.path(FP32))
        kept |= precision.overflowing(model, draft.largest, folder=draft.scratch)
    for draft in drafts:
        model = graph_files.load(draft.path(FP32))
        half = graph_files.store(precision.halve(model, kept, draft.scratch), draft.path(HALF))
        graph_files.save(precision.widen(model, half), draft.path(ENCODER))
    return sorted(kept)


def _to_store(drafts: Sequence[Draft], engine: Candidate) -> tuple[list[weights_store.Graph], dict[str, str]]:
    """The graphs to ship, and the structures that all folds have in common."""
    graphs: list[weights_store.Graph] = []
    structures: dict[str, str] = {}
    for draft in drafts:
        for key, file in shipped(draft.fold, engine).items():
            source = draft.scratch / file
            _check_structure(structures, key, structure.digest(graph_files.load(source)), draft.fold)
            graphs.append(weights_store.Graph(source, file, draft.fold))
    return graphs, structures


@step("fold {draft.fold}")
def _check_shipped(
    card: Card, draft: Draft, engine: Candidate, rows: Rows, folder: Path, gpu: bool
) -> tuple[dict[str, Any], list[str]]:
    """The last rungs, on the files that are shipped; the last of all is what runs on a CPU.

    Returns:
        What the ladder has seen, and what is wrong with half precision where no GPU asks for it.
    """
    paths = {key: folder / file for key, file in shipped(draft.fold, engine).items()}
    faults = half_precision.climb(card, draft, rows, paths["encoder"], paths["head"], gpu)
    rungs = [(engine.rung, engine.engine)]
    if engine.engine != REFERENCE.engine:  # should it fail aboard, ONNX Runtime takes over
        rungs.insert(0, (REFERENCE.rung, REFERENCE.engine))
    for rung, runtime in rungs:
        graphs = Fold(paths["encoder_cpu"], paths["encoder_cpu"], paths["head"], gpus=0, cpu_engine=runtime)
        draft.ladder.climb(rung, parity.outputs(card, graphs, rows), draft.fused)
    return draft.ladder.result(), faults


def _summary(
    drafts: Sequence[Draft],
    engine: Candidate,
    trials: Sequence[Trial],
    stored: weights_store.Stored,
    structures: dict[str, str],
    kept: list[str],
    folder: Path,
) -> dict[str, Any]:
    tensor, largest = max(
        ((tensor, size) for draft in drafts for tensor, size in draft.largest.items()),
        key=lambda item: item[1],
    )
    entries = []
    for draft in drafts:
        files = shipped(draft.fold, engine)
        weights = sorted({weight for file in files.values() for weight in stored.files[file]})
        entries.append({"fold": draft.fold, **files, "weights": weights})
    return {
        "folds": entries,
        "cpu_engine": engine.engine,
        "cpu_engines": [asdict(trial) for trial in trials],
        "structure": structures,
        "fused_attentions": drafts[0].attentions,
        "kept_in_fp32": kept,
        "largest_intermediate": {"tensor": tensor, "value": largest, "limit": precision.SAFE},
        "sizes": {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
        "sharing": {
            "stored_bytes": stored.stored,
            "unshared_bytes": stored.unshared,
            "saved": 1 - stored.stored / stored.unshared if stored.unshared else 0.0,
        },
    }


def _check_structure(structures: dict[str, str], kind: str, digest: str, fold: int) -> None:
    if structures.setdefault(kind, digest) != digest:
        raise FoldshipError(
            f"fold {fold}: its {kind} graph differs from the first fold's in more than weights",
            expected=structures[kind],
            found=digest,
            fix="train all folds with the same settings: delete the model's folder and run `make train`",
        )
