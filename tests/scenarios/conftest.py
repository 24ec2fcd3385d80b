from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import project
import pytest


@pytest.fixture(scope="session")
def finished(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose main job has been done: trained, bundled and rehearsed."""
    root = project.create(tmp_path_factory.mktemp("project"), tiny_backbone)
    result = project.foldship(root, "submission")
    assert result.returncode == 0, result.stdout + result.stderr
    return root


@pytest.fixture
def simulation(finished: Path, tmp_path: Path) -> Iterator[Path]:
    """The finished project's rehearsal; after a test that rehearses again it is the first one again."""
    folder = finished / "build/quest/simulation"
    shutil.copytree(folder, tmp_path / "first")
    yield folder
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "first", folder)
