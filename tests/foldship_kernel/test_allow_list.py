"""What travels must run on an image that holds little: checked in the source and in a fresh interpreter."""

from __future__ import annotations

import ast
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import foldship_kernel

# openvino only by one engine, loaded where a bundle asks for it; pyarrow only for tables in Parquet
ALLOWED = {"numpy", "pandas", "scipy", "tokenizers", "onnxruntime", "openvino", "pyarrow"}
OURS = "foldship_kernel"
SOURCE = Path(foldship_kernel.__file__).parent

SCRIPT = """
import importlib, json, sys
first, then = json.loads(sys.argv[1])
for name in first:
    importlib.import_module(name)
known = set(sys.modules)
for name in then:
    importlib.import_module(name)
new = {name.split(".")[0] for name in set(sys.modules) - known}
print(json.dumps(sorted(new - set(sys.stdlib_module_names))))
"""


def brought_in(modules: list[str], *, beyond: list[str]) -> set[str]:
    """Top-level modules outside the standard library that importing `modules` adds to those of `beyond`."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([beyond, modules])],
        env={"PYTHONPATH": str(SOURCE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    return {name for name in json.loads(result.stdout) if not name.startswith("_")}


def imports(path: Path) -> Iterator[str]:
    """Top-level modules that the source imports, at any depth of the code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{path}: relative import"
            yield node.module.split(".")[0]


def test_no_source_aboard_names_a_module_that_the_kernel_lacks() -> None:
    for path in SOURCE.rglob("*.py"):
        foreign = set(imports(path)) - set(sys.stdlib_module_names) - ALLOWED - {OURS}
        assert not foreign, f"{path} imports {foreign}"


def test_importing_everything_aboard_brings_in_only_what_the_kernel_has() -> None:
    everything = [module.name for module in pkgutil.walk_packages(foldship_kernel.__path__, f"{OURS}.")]
    # What those packages import themselves, optional helpers included, is theirs to decide.
    allowed = [*sorted(ALLOWED), "scipy.special", "scipy.stats"]
    assert brought_in(everything, beyond=allowed) <= ALLOWED | {OURS}


def test_no_optional_engine_is_loaded_unasked() -> None:
    for name in ("run", "predict", "fold", "engines.onnx_runtime"):
        assert "openvino" not in brought_in([f"{OURS}.{name}"], beyond=[])


def test_what_runs_before_the_clock_needs_the_standard_library_only() -> None:
    assert brought_in([f"{OURS}.supervise"], beyond=[]) == {OURS}
    assert set(imports(SOURCE.parents[1] / "kernels" / "main.py")) <= {*sys.stdlib_module_names, OURS}
