"""Libraries that run the bundle's graphs, behind one small interface."""

from __future__ import annotations

import importlib
from typing import cast

from foldship_kernel.engines.base import Engine
from foldship_kernel.errors import BundleError

NAMES = {"onnxruntime": "onnx_runtime", "openvino": "open_vino"}


def get(name: str) -> Engine:
    """The engine called `name`.

    Raises:
        BundleError: there is none of that name, or its library cannot be imported.
    """
    if name not in NAMES:
        raise BundleError(
            f"unknown engine '{name}'",
            expected=f"one of {', '.join(NAMES)}",
            fix="build the bundle again with `make bundle`",
        )
    try:
        return cast(Engine, importlib.import_module(f"{__name__}.{NAMES[name]}"))
    except ImportError as error:
        raise BundleError(
            f"the engine '{name}' cannot be used",
            found=str(error),
            fix="build the bundle again with `make bundle` and upload all of it, wheels/ included",
        ) from error
