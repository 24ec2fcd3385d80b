"""Whether models can be read, exported and run, asked of a small network before anything is trained."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import AutoConfig, PretrainedConfig, PreTrainedTokenizerFast

from foldship.config.network import deepest
from foldship.config.schema import Model
from foldship.export import on_gpu, precision, trace, trial
from foldship.export.fusion import fuse
from foldship.modelling import backbone, graph_files, reading, sketch, upper
from foldship.modelling.model import Encoder
from foldship_kernel.errors import FoldshipError, listed

# Architectures that the tests export, in the order of advice.
KNOWN = ("bert", "roberta", "xlm-roberta", "electra", "deberta-v2")
# Of the spread of what the small network gives: rounding in fp32 and of fp16 weights and results stays far
# below, another formula comes far above.
TOLERANCES = {"fp32": 1e-3, "cpu": 0.1, "gpu": 0.2}
FORMS = {
    "fp32": "its graph in fp32",
    "half": "its graph in half precision",
    "cpu": "its graph for CPUs, with weights in half precision,",
    "gpu": "half precision as a GPU computes it",
}
SHORT = 9  # tokens


@dataclass(frozen=True)
class _Wanted:
    """What the network is asked for: how it is read, and how long its sequences are."""

    pooling: tuple[str, ...] = ("mean",)
    segment_ids: bool = False
    longest: int = 64


def check(source: str, settings: Model | None = None, *, tokens: int | None = None) -> None:
    """Export a small network of the backbone's architecture, and run it at the model's lengths.

    The real weights are not read. All this takes some seconds, and each network is tried once.

    Args:
        source: what `backbone.locate` returned. One that is not to be had passes: training says so.
        settings: of the model, for its towers, pooling and segment ids.
        tokens: its longest sequence, where there are no settings.

    Raises:
        FoldshipError: its folds could not be trained as long as they are wanted, or not exported, or a graph
            would predict something else.
    """
    try:
        config = AutoConfig.from_pretrained(source)
    except (OSError, ValueError):
        return
    wanted = _Wanted()
    if settings is not None:
        wanted = _Wanted(
            tuple(settings.pooling), settings.segment_ids, max(t.max_tokens for t in settings.towers)
        )
        tokenizer = backbone.load_tokenizer(source)
        positions = backbone.positions(source, tokenizer)
        for number, tower in enumerate(settings.towers):
            reading.check_length(number, tower.max_tokens, positions, f"the backbone {source!r}")
        check_tokens(source, config, tokenizer)
    elif tokens is not None:
        wanted = _Wanted(longest=tokens)
    # Settings that change nothing in the graph make no new trial.
    fault = _trial(sketch.told(config), config.model_type, wanted)
    if fault is not None:
        raise FoldshipError(
            f"backbone {source!r}: {fault.what}", expected=fault.expected, found=fault.found, fix=fault.fix
        )


def check_tokens(source: str, config: PretrainedConfig, tokenizer: PreTrainedTokenizerFast) -> None:
    """Check that the backbone has an embedding for every token.

    Raises:
        FoldshipError: it has not.
    """
    try:
        rows = sketch.rows(config)
    except Exception:  # an architecture that does not tell: the trial shows what it can do
        return
    words = tokenizer.backend_tokenizer.get_vocab(with_added_tokens=True)
    without = sorted((number, word) for word, number in words.items() if number >= rows)
    if without:
        numbers = without[-1][0] + 1
        raise FoldshipError(
            f"backbone {source!r}: its tokenizer makes tokens that it has no embedding for",
            expected=f"token ids below {rows}, the rows of its embedding table",
            found=f"{len(without)} more: {listed([f'{word} ({number})' for number, word in without])}",
            fix="give it the embeddings, model.resize_token_embeddings(len(tokenizer)), and save both with "
            f"save_pretrained (then it has {numbers} rows), or take the tokens out of its tokenizer files",
        )


@lru_cache(maxsize=64)
def _trial(told: str, kind: str, wanted: _Wanted) -> FoldshipError | None:
    """What is wrong with a network, once for all models that have the same."""
    config = sketch.restore(told, kind)
    model = f"a {kind} encoder"
    known = f"choose a backbone of another architecture: {', '.join(KNOWN)}"
    try:
        network = sketch.build(config)
        with tempfile.TemporaryDirectory(prefix="foldship-trial-") as name:
            _try(network, wanted, Path(name))
    except FoldshipError as error:
        if error.fix == _LENGTH_FIX:
            return error
        what = f"folds of {model} could be trained, but not exported"
        found = f"{error.what}: {error.found}" if error.found else error.what
        return FoldshipError(what, expected=error.expected, found=found, fix=known)
    except trial.BrokenError as error:
        return FoldshipError(
            f"folds of {model} could be trained, but their graphs do not run", found=str(error), fix=known
        )
    except Exception as error:  # whatever the model, the exporter or the optimiser raises
        return FoldshipError(
            f"folds of {model} could be trained, but not exported", found=repr(error)[:500], fix=known
        )
    return None


_LENGTH_FIX = (
    "lower max_tokens to a length at which they agree, or let the backbone compute alike at every length (of "
    'BigBird: "attention_type": "original_full" in its config.json)'
)


def _try(network: nn.Module, wanted: _Wanted, folder: Path) -> None:
    """Export a small network, and compare its graphs with it.

    Raises:
        FoldshipError: a graph gives something else.
        trial.BrokenError: one does not run.
    """
    layers = int(network.config.num_hidden_layers)  # type: ignore[union-attr,arg-type]
    pooling = tuple(_within(kind, layers) for kind in wanted.pooling)
    spans = sorted({kind.partition("@")[0].partition(":")[2] for kind in pooling} - {""})
    read = {"segment_ids": wanted.segment_ids, "spans": bool(spans)}

    def encoder() -> Encoder:
        # A fresh one each time: some networks change with the lengths that they have seen.
        torch.manual_seed(0)
        few = copy.deepcopy(network)
        depth = deepest(pooling)
        if depth is not None and depth < layers:
            upper.cut(few, depth)  # as a backbone is loaded
        return Encoder(few, pooling, spans).eval()

    with torch.random.fork_rng(devices=[]):
        first = encoder()
        path = folder / "fp32.onnx"
        trace.trace_encoder(first, path, **read)
        fused = graph_files.store(fuse(path, first.backbone.config), path)  # type: ignore[arg-type]
        half = graph_files.store(precision.halve(fused, folder=folder), folder / "half.onnx")
        graph_files.save(precision.widen(fused, half), folder / "cpu.onnx")
        rounded = on_gpu.rounding(half, folder)
        graph_files.save(rounded, folder / "gpu.onnx")
        batches = {str(length): _batch(network, length, read) for length in _lengths(wanted.longest)}
        expected = {}
        for length, batch in batches.items():
            np.savez(folder / f"{length}.in.npz", allow_pickle=False, **batch)
            with torch.inference_mode():
                given = {name: torch.from_numpy(value) for name, value in batch.items()}
                expected[length] = encoder()(**given).numpy()
    trial.run(folder)
    agreed: list[str] = []
    for length, one in expected.items():
        for form, tolerance in TOLERANCES.items():
            other = trial.result(folder, form, length)
            off = float(np.abs(other - one).max() / max(float(one.std()), 1e-9))
            if not off <= tolerance:
                fault = on_gpu.blame(fused, rounded, batches[length], folder) if form == "gpu" else None
                raise FoldshipError(
                    f"{FORMS[form]} gives something else for sequences of {length} tokens",
                    expected=f"what the network gives, to {tolerance:.1%} of its spread"
                    + (f", as for {listed(agreed)} tokens" if agreed else ""),
                    found=f"{off:.1%}" + (f"; most at {fault}" if fault else ""),
                    fix=_LENGTH_FIX if agreed else "",
                )
        agreed.append(length)


def _lengths(longest: int) -> Sequence[int]:
    """From the shortest to the longest, odd ones among them."""
    return sorted({length for length in (1, SHORT, longest // 2 + 1, longest) if 0 < length <= longest})


def _within(kind: str, layers: int) -> str:
    """A kind of pooling that reads no layer above so many."""
    name, at, number = kind.partition("@")
    return f"{name}@{min(int(number), layers)}" if at else kind


def _batch(network: nn.Module, length: int, read: dict[str, bool]) -> dict[str, NDArray[np.int64]]:
    """A sequence of so many random tokens, and one of half of them, filled up."""
    random = np.random.default_rng(length)
    config = network.config
    words = int(network.get_input_embeddings().num_embeddings)  # type: ignore[operator]
    ids = random.integers(min(sketch.first_word(config), words - 1), words, (2, length))  # type: ignore[arg-type]
    mask = np.ones_like(ids)
    half = length // 2 + 1
    mask[1, half:], ids[1, half:] = 0, getattr(config, "pad_token_id", None) or 0
    batch = {"input_ids": ids, "attention_mask": mask}
    if read["segment_ids"]:
        batch["token_type_ids"] = (np.arange(length) >= length // 3)[None].repeat(2, 0).astype(
            np.int64
        ) * mask
    if read["spans"]:
        batch["spans"] = random.integers(0, 4, ids.shape) * mask
    return batch
