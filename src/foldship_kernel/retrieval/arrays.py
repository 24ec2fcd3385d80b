"""Arrays in plain files: NumPy's own format may hold pickled objects, which must not travel."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship_kernel.atomic import replacing

Described = list[Any]  # the kind of the numbers, and the shape

KINDS = {"u1": np.uint8, "u8": np.uint64, "i4": np.int32, "i8": np.int64, "f2": np.float16, "f4": np.float32}


def write(path: Path, array: NDArray[Any]) -> Described:
    """Write an array, little-endian, row by row; returns what `read` needs to know."""
    kind = array.dtype.str[1:]
    if kind not in KINDS:
        raise TypeError(f"no kind of number for {array.dtype}")
    with replacing(path) as temporary:
        np.ascontiguousarray(array, dtype=f"<{kind}").tofile(temporary)
    return [kind, list(array.shape)]


def read(path: Path, described: Described) -> NDArray[Any]:
    """The array, which stays on disk until it is looked at.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is of another size than described, or of an unknown kind.
    """
    kind, shape = described
    if kind not in KINDS or sys.byteorder != "little":
        raise ValueError(f"{path.name}: numbers of kind {kind!r} cannot be read on this machine")
    wanted = math.prod(shape) * np.dtype(KINDS[kind]).itemsize
    if path.stat().st_size != wanted:
        raise ValueError(f"{path.name}: {path.stat().st_size} bytes instead of {wanted}")
    if not wanted:
        return np.zeros(shape, dtype=KINDS[kind])  # an empty file cannot be mapped
    return np.memmap(path, dtype=KINDS[kind], mode="r", shape=tuple(shape))
