"""The same weights give the same bundle to the byte, whatever the machine was doing when it was built."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import disturbed
import project
import pytest
import yaml

import foldship
from foldship_kernel import manifest

SRC = Path(foldship.__file__).parent
# What these stages compute ends up in a bundle.
IN_THE_BUNDLE = ("adoption", "export", "modelling", "retrieval", "scheduling", "selection", "shipping")
# What is measured there is kept with the weights.
MEASURES = {"export/speed.py"}


@pytest.fixture(scope="module")
def trained(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of two folds, engines to be chosen, nothing built."""
    root = project.create(tmp_path_factory.mktemp("project"), tiny_backbone, cpu_engine="auto")
    path = root / "kernels" / "quest" / "experiment.yaml"
    experiment = yaml.safe_load(path.read_text())
    small = {**experiment["models"]["tiny"], "towers": experiment["models"]["tiny"]["towers"][:1]}
    small["stages"] = small["stages"][:1]
    experiment["models"]["small"] = {name: value for name, value in small.items() if name != "adapter"}
    path.write_text(yaml.safe_dump(experiment))
    result = project.here(root, "train")
    assert result.returncode == 0, result.stdout + result.stderr
    return root


def built_anew(root: Path, seed: int) -> dict[str, str]:
    """Digests of a bundle built without anything that an earlier build left, by clocks that are wrong."""
    build = root / "build" / "quest"
    for path in build.iterdir() if build.is_dir() else ():
        shutil.rmtree(path)
    with pytest.MonkeyPatch.context() as patch:
        disturbed.clocks(patch, seed)
        result = project.here(root, "bundle")
    assert result.returncode == 0, result.stdout + result.stderr
    return {
        path.relative_to(build).as_posix(): manifest.sha256(path)
        for part in ("kernel", "dataset")
        for path in sorted((build / part).rglob("*"))
        if path.is_file()
    }


def test_a_bundle_built_after_build_was_deleted_is_the_same_to_the_byte(trained: Path) -> None:
    first = built_anew(trained, seed=1)
    assert built_anew(trained, seed=2) == first
    assert built_anew(trained, seed=3) == first
    units = json.loads((trained / "build/quest/dataset/bundle.json").read_text())["schedule"]
    assert {unit["model"] for unit in units} == {"tiny", "small"}


def clocks_read(source: str) -> set[str]:
    """Names of the modules with clocks that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found |= {name for name in names if name.split(".")[0] in {"time", "timeit", "datetime"}}
    return found


def test_a_module_that_reads_a_clock_is_found() -> None:
    assert clocks_read("def run():\n    from time import monotonic") == {"time"}
    assert clocks_read("import json") == set()


def test_nothing_that_makes_a_bundle_reads_a_clock() -> None:
    reading = {
        path.relative_to(SRC).as_posix()
        for stage in IN_THE_BUNDLE
        for path in (SRC / stage).rglob("*.py")
        if clocks_read(path.read_text(encoding="utf-8"))
    }
    assert reading == MEASURES
