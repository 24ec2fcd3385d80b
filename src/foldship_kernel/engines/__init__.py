"""Libraries that run the bundle's graphs, behind one small interface."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import cast

from foldship_kernel.engines.base import Engine
from foldship_kernel.errors import BundleError


@dataclass(frozen=True)
class _Entry:
    """Where an engine is: its module here, and the library, a top-level module, that it needs."""

    module: str
    library: str


_ENGINES = {
    "onnxruntime": _Entry("onnx_runtime", "onnxruntime"),
    "openvino": _Entry("open_vino", "openvino"),
    "openvino-fp32": _Entry("open_vino_fp32", "openvino"),
}
NAMES = tuple(_ENGINES)


def library(name: str) -> str:
    """Top-level module that the engine called `name` needs; of an unknown engine, its own name."""
    return _ENGINES[name].library if name in _ENGINES else name


def get(name: str) -> Engine:
    """The engine called `name`.

    Raises:
        BundleError: there is none of that name, or its library cannot be imported.
    """
    if name not in _ENGINES:
        raise BundleError(
            f"unknown engine '{name}'",
            expected=f"one of {', '.join(NAMES)}",
            fix="build the bundle again with `make bundle`",
        )
    try:
        return cast(Engine, importlib.import_module(f"{__name__}.{_ENGINES[name].module}"))
    except ImportError as error:
        raise BundleError(
            f"the engine '{name}' cannot be used",
            found=str(error),
            fix="build the bundle again with `make bundle` and upload all of it, wheels/ included",
        ) from error
