"""What an ONNX file says without its weights: texts, where its weights lie, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from foldship_kernel.errors import FoldshipError

FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
FP32_BYTES = 4


@dataclass(frozen=True)
class Tensor:
    """A tensor that lies outside of its graph.

    Attributes:
        location: the file, relative to the graph's folder.
        offset, length: its bytes in the file.
        fp32_bytes: what it would take in single precision, if it holds floating-point numbers; else `length`.
    """

    location: str
    offset: int
    length: int
    fp32_bytes: int


def load(path: Path) -> Any:
    """The graph, without the weights that lie outside of it.

    Raises:
        FoldshipError: it is no ONNX file.
    """
    try:
        return onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise FoldshipError(
            f"{path}: is no ONNX graph", found=str(error), fix="build it again with `make bundle`"
        ) from error


def external(model: Any) -> list[Tensor]:
    """The weights that lie outside of a graph, in its order."""
    found = []
    for tensor in model.graph.initializer:
        if uses_external_data(tensor):
            info = ExternalDataInfo(tensor)
            length = info.length or 0
            wide = FP32_BYTES * prod(tensor.dims) if tensor.data_type in FLOATS else length
            found.append(Tensor(info.location, info.offset or 0, length, wide))
    return found


def texts(message: Any) -> Iterator[str]:
    """All texts of a graph: names, descriptions, metadata, attributes, where its weights lie."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING:
            yield from value if _is_repeated(field) else [value]
        elif field.type == field.TYPE_MESSAGE:
            for inner in value if _is_repeated(field) else [value]:
                yield from texts(inner)
        elif field.type == field.TYPE_BYTES and field.name in ("s", "strings"):  # attributes that are text
            for inner in value if _is_repeated(field) else [value]:
                yield inner.decode("utf-8", errors="replace")


@cache
def _is_repeated(field: Any) -> bool:
    return bool(getattr(field, "is_repeated", False) or getattr(field, "label", 0) == 3)
