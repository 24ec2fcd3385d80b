from __future__ import annotations

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
