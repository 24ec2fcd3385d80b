"""What the bundle weighs beside plain checkpoints, and where the difference comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from foldship.shipping import graphs


def saved(dataset: Path, models: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Bytes of the weights, against one fp32 checkpoint per fold.

    The figures add up: `fp32_checkpoints` less `saved_by_fp16` and `saved_by_sharing`, with
    `added_for_cpu`, are the weights' bytes. What a graph keeps inside, shapes and short vectors, is not
    counted.

    Args:
        dataset: folder of the bundle with all models in it.
        models: as the manifest names them.

    Returns:
        folds: how many.
        fp32_checkpoints: of encoder and head of every fold, four bytes a parameter.
        saved_by_fp16: by storing those in the precision that ships.
        saved_by_sharing: by storing once what several folds have in common.
        added_for_cpu: weights that only the graph for a CPU reads, such as int8 ones.
    """
    keys = ("folds", "fp32_checkpoints", "saved_by_fp16", "saved_by_sharing", "added_for_cpu")
    total = dict.fromkeys(keys, 0)
    for model in models:
        tensors = [
            tensor
            for fold in model["folds"]
            for graph in ("encoder", "head")
            for tensor in _tensors(dataset, fold[graph])
        ]
        wide, apart = sum(tensor.fp32_bytes for tensor in tensors), sum(tensor.length for tensor in tensors)
        stored = _distinct(tensors)
        for_cpu = _distinct(
            tensor for fold in model["folds"] for tensor in _tensors(dataset, fold["encoder_cpu"])
        )
        total["folds"] += len(model["folds"])
        total["fp32_checkpoints"] += wide
        total["saved_by_fp16"] += wide - apart
        total["saved_by_sharing"] += apart - sum(stored.values())
        total["added_for_cpu"] += sum(size for place, size in for_cpu.items() if place not in stored)
    return total


def _distinct(tensors: Iterable[graphs.Tensor]) -> dict[tuple[str, int], int]:
    """Bytes of what is stored, by file and offset."""
    return {(tensor.location, tensor.offset): tensor.length for tensor in tensors}


def _tensors(dataset: Path, graph: str) -> list[graphs.Tensor]:
    return graphs.external(graphs.load(dataset / graph))
