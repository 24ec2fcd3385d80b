"""Weights of many graphs outside of them, equal tensors stored once.

Tensors that several folds have in common lie in `weights-shared.bin`, the others in `weights-fold<k>.bin`, so
that damage to one fold's file costs one fold. Every tensor begins on a page, so that sessions can map it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import onnx

from foldship.modelling import graph_files

LARGEST_FILE = 1 << 30
SHARED = "shared"


@dataclass(frozen=True)
class Graph:
    """One graph to be stored.

    Attributes:
        source: .onnx file, its weights inside or in files beside it.
        name: file name in the result.
        owner: fold it belongs to.
    """

    source: Path
    name: str
    owner: int


@dataclass(frozen=True)
class Stored:
    """What was stored.

    Attributes:
        files: per graph, by name, the weight files it reads.
        stored: bytes of all tensors that were stored.
        unshared: bytes they would take if every fold stored its own.
    """

    files: dict[str, list[str]]
    stored: int
    unshared: int


@dataclass
class _Tensor:
    size: int
    owners: set[int] = field(default_factory=set)
    file: str = ""
    offset: int = 0


def store(graphs: Sequence[Graph], folder: Path, *, largest_file: int = LARGEST_FILE) -> Stored:
    """Write `graphs` and their weights into `folder`.

    The result depends only on the graphs and their order.

    Args:
        graphs: to be written, in the order in which they are read.
        folder: an empty folder.
        largest_file: bytes after which another weight file is begun.
    """
    tensors: dict[str, _Tensor] = {}
    for graph in graphs:
        for tensor in graph_files.load(graph.source).graph.initializer:
            if graph_files.is_large(tensor):
                data = _bytes(tensor, graph)
                key = hashlib.sha256(data).hexdigest()
                tensors.setdefault(key, _Tensor(len(data))).owners.add(graph.owner)
    _place(tensors, largest_file)
    files = _write(graphs, tensors, folder)
    return Stored(
        files=files,
        stored=sum(tensor.size for tensor in tensors.values()),
        unshared=sum(tensor.size * len(tensor.owners) for tensor in tensors.values()),
    )


def _bytes(tensor: onnx.TensorProto, graph: Graph) -> memoryview:
    return graph_files.raw(graph_files.values(tensor, graph.source.parent))


def _place(tensors: dict[str, _Tensor], largest_file: int) -> None:
    """Give each tensor its file and offset, in order of first use."""
    ends: dict[str, int] = {}
    parts: dict[str, int] = {}
    for tensor in tensors.values():
        owner = SHARED if len(tensor.owners) > 1 else f"fold{min(tensor.owners)}"
        if ends.get(owner, 0) and ends[owner] + tensor.size > largest_file:
            parts[owner] = parts.get(owner, 0) + 1
            ends[owner] = 0
        part = f"-{parts[owner]}" if owner in parts else ""
        tensor.file, tensor.offset = f"weights-{owner}{part}.bin", ends.get(owner, 0)
        ends[owner] = -(-(tensor.offset + tensor.size) // graph_files.PAGE) * graph_files.PAGE


def _write(graphs: Sequence[Graph], tensors: dict[str, _Tensor], folder: Path) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {}
    written: set[str] = set()
    with ExitStack() as stack:
        names = sorted({tensor.file for tensor in tensors.values()})
        streams = {name: stack.enter_context((folder / name).open("wb")) for name in names}
        for graph in graphs:
            model = graph_files.load(graph.source)
            used = set()
            for tensor in model.graph.initializer:
                if not graph_files.is_large(tensor):
                    continue
                data = _bytes(tensor, graph)
                key = hashlib.sha256(data).hexdigest()
                place = tensors[key]
                used.add(place.file)
                if key not in written:
                    written.add(key)
                    streams[place.file].seek(place.offset)
                    streams[place.file].write(data)
                graph_files.refer(tensor, place.file, place.offset, place.size)
            graph_files.save(model, folder / graph.name)
            files[graph.name] = sorted(used)
    return files
