"""Graphs whose weights lie beside them, so that no step meets protobuf's limit of 2 GB.

A graph is held as its *skeleton*: nodes, names and small tensors. Large weights stay in files of its folder
until somebody asks for their values. Graphs with all weights inside, as small ones are made in memory, are
understood everywhere, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import ExternalDataInfo, set_external_data, uses_external_data

from foldship_kernel.errors import FoldshipError

WEIGHT_TYPES = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8)
SMALLEST = 1024  # bytes; smaller tensors stay in the graph
PAGE = 4096  # every tensor begins on one, so that sessions can map it
LARGEST = 2**31 - 2**20  # bytes of a graph with its weights inside: protobuf ends at 2 GiB
DATA = ".data"  # what the file of a graph's weights ends with
_MOST, _LEAST = 65504.0, 5.96e-8  # of fp16
_FOLDER = "session.model_external_initializers_file_folder_path"


def load(path: Path) -> onnx.ModelProto:
    """The graph in a file, its large weights left where they are."""
    return onnx.load(path, load_external_data=False)


def is_whole(path: Path) -> bool:
    """Whether all files are there that hold weights of the graph in a file."""
    tensors = [tensor for tensor in load(path).graph.initializer if uses_external_data(tensor)]
    return all((path.parent / ExternalDataInfo(tensor).location).is_file() for tensor in tensors)


def save(model: onnx.ModelProto, path: Path) -> None:
    """Write a graph; weights that lie in files of the folder stay there."""
    path.write_bytes(model.SerializeToString(deterministic=True))


def store(model: onnx.ModelProto, path: Path, folder: Path | None = None) -> onnx.ModelProto:
    """Write a graph, and all its large weights into a file beside it; returns its skeleton.

    Args:
        model: left as it is.
        path: of the graph.
        folder: where weights of `model` lie that are not inside; that of `path` if not given.
    """
    bare = skeleton(model)
    data = path.with_name(path.name + DATA)
    part = data.with_name(data.name + ".part")  # weights may be read from the file that is replaced
    with part.open("wb") as stream:
        for tensor, kept in zip(model.graph.initializer, bare.graph.initializer, strict=True):
            if is_large(tensor):
                value = values(tensor, folder or path.parent)
                stream.seek(-(-stream.tell() // PAGE) * PAGE)
                refer(kept, data.name, stream.tell(), value.nbytes)
                stream.write(raw(value))
            elif uses_external_data(tensor):  # half as large as it was
                kept.CopyFrom(numpy_helper.from_array(values(tensor, folder or path.parent), tensor.name))
    part.replace(data)
    save(bare, path)
    return bare


def whole(model: onnx.ModelProto, folder: Path, where: str) -> onnx.ModelProto:
    """The graph with all its weights inside.

    Raises:
        FoldshipError: it is too large for that; `where` begins the message.
    """
    if size(model) > LARGEST:
        raise FoldshipError(
            f"{where}: too large for a single file",
            expected=f"{LARGEST / 1e9:.1f} GB at most",
            found=f"{size(model) / 1e9:.1f} GB",
            fix="choose a smaller encoder",
        )
    full = skeleton(model)
    for tensor, kept in zip(model.graph.initializer, full.graph.initializer, strict=True):
        if is_large(tensor):
            kept.CopyFrom(numpy_helper.from_array(values(tensor, folder), tensor.name))
    return full


def skeleton(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a graph without the values of its large weights."""
    bare = onnx.ModelProto()
    _copy(model, bare, {"graph"})
    _copy(model.graph, bare.graph, {"initializer"})
    for tensor in model.graph.initializer:
        kept = bare.graph.initializer.add()
        if is_large(tensor) and not uses_external_data(tensor):
            kept.name, kept.data_type = tensor.name, tensor.data_type
            kept.dims.extend(tensor.dims)
        else:
            kept.CopyFrom(tensor)
    return bare


def refer(tensor: onnx.TensorProto, location: str, offset: int, length: int) -> None:
    """Replace a tensor's values by where they lie: a file of the graph's folder, and its bytes there."""
    kept = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, raw_data=b"")
    set_external_data(kept, location=location, offset=offset, length=length)
    kept.ClearField("raw_data")
    tensor.CopyFrom(kept)


def take_in(tensor: onnx.TensorProto, folder: Path) -> None:
    """Bring a tensor's values into the graph, if they lie in a file of its folder."""
    if uses_external_data(tensor):
        tensor.CopyFrom(numpy_helper.from_array(values(tensor, folder), tensor.name))


def is_large(tensor: onnx.TensorProto) -> bool:
    """Whether a tensor is a weight that belongs outside of its graph."""
    return tensor.data_type in WEIGHT_TYPES and nbytes(tensor) >= SMALLEST


def nbytes(tensor: onnx.TensorProto) -> int:
    """Bytes of a tensor's values."""
    size: int = math.prod(tensor.dims) * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return size


def size(model: onnx.ModelProto) -> int:
    """Bytes of all weights of a graph."""
    return sum(nbytes(tensor) for tensor in model.graph.initializer)


def values(tensor: onnx.TensorProto, folder: Path | None = None) -> NDArray[Any]:
    """The values of a tensor, mapped from `folder` where they lie outside of the graph.

    A tensor that was declared half may still point at its values in single precision: they are rounded here.
    """
    if not uses_external_data(tensor):
        return np.ascontiguousarray(numpy_helper.to_array(tensor))
    assert folder is not None, tensor.name
    info = ExternalDataInfo(tensor)
    shape = tuple(tensor.dims)
    halved = tensor.data_type == TensorProto.FLOAT16 and info.length == 2 * nbytes(tensor)
    kind = np.dtype(np.float32) if halved else helper.tensor_dtype_to_np_dtype(tensor.data_type)
    found: NDArray[Any] = np.memmap(
        folder / info.location, kind, mode="r", offset=info.offset or 0, shape=shape
    )
    return halve_values(found) if halved else found


def raw(array: NDArray[Any]) -> memoryview:
    """The bytes of an array, not copied."""
    return array.reshape(-1).view(np.uint8).data


def halve_values(given: NDArray[Any]) -> NDArray[np.float16]:
    """float32 to float16 as the conversion of graphs rounds: into its finite range, and never to zero."""
    halves: NDArray[np.float16] = np.empty(given.shape, np.float16)
    flat, out = given.reshape(-1), halves.reshape(-1)
    for part in _slices(len(flat)):
        exact = np.asarray(flat[part])
        with np.errstate(over="ignore"):
            rounded = exact.astype(np.float16)
        for lost, limit in (
            (np.isinf(rounded) & np.isfinite(exact), _MOST),
            ((rounded == 0) & (exact != 0), _LEAST),
        ):
            if lost.any():
                rounded[lost] = np.copysign(np.float16(limit), rounded[lost])
        out[part] = rounded
    return halves


def largest_value(tensor: onnx.TensorProto, folder: Path | None, below: float) -> float:
    """The largest absolute value of a tensor that is less than `below`; 0 if there is none."""
    flat = values(tensor, folder).reshape(-1)
    found = 0.0
    for part in _slices(len(flat)):
        sizes = np.abs(flat[part])
        found = max(found, float(sizes[sizes < below].max(initial=0.0)))
    return found


def session(
    model: onnx.ModelProto, folder: Path | None = None, *, optimise: bool = False
) -> onnxruntime.InferenceSession:
    """Open a graph that was never written, on the CPU, its weights in `folder`."""
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimise else level.ORT_DISABLE_ALL
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # what fails is raised; that some half-precision kernel is absent is known
    if folder is not None:
        options.add_session_config_entry(_FOLDER, str(folder))
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def types(model: onnx.ModelProto, folder: Path | None = None) -> dict[str, str]:
    """The type of every value that nodes write, `float` or `int64` say, as ONNX Runtime understands it."""
    every = onnx.ModelProto()
    every.CopyFrom(model)
    del every.graph.output[:]
    for name in dict.fromkeys(name for node in every.graph.node for name in node.output if name):
        every.graph.output.append(onnx.ValueInfoProto(name=name))
    opened = session(every, folder).get_outputs()
    return {output.name: output.type.removeprefix("tensor(").removesuffix(")") for output in opened}


def _copy(source: Any, target: Any, without: set[str]) -> None:
    """Copy the fields of a message but some."""
    for field, value in source.ListFields():
        if field.name in without:
            continue
        if field.type != field.TYPE_MESSAGE:
            if isinstance(value, (str, bytes, int, float)):
                setattr(target, field.name, value)
            else:
                getattr(target, field.name).extend(value)
        elif hasattr(value, "extend"):
            getattr(target, field.name).extend(value)
        else:
            getattr(target, field.name).CopyFrom(value)


def _slices(count: int, size: int = 1 << 24) -> Iterator[slice]:
    """Parts of an array that fit into memory beside it."""
    return (slice(start, start + size) for start in range(0, count, size))
