"""What all generated samples have in common."""

from __future__ import annotations

from pathlib import Path

import pytest
from declared import KERNELS

from foldship import competitions


@pytest.mark.parametrize("name", ["bioasq", "klue_re", "sts"])
def test_the_same_bytes_every_time(name: str, tmp_path: Path) -> None:
    competition = competitions.get(KERNELS, name)
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        competition.write_sample(folder)
    assert len(list(first.iterdir())) == len({competition.declared.files.train, *competition.task.files})
    for path in first.iterdir():
        assert (second / path.name).read_bytes() == path.read_bytes()
