"""Stages for kernels, an image without any package, and what sandboxes can be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rehearsal_stage import Stage, write_stage

from foldship.rehearsal import image, mechanisms
from foldship_kernel.errors import FoldshipError


@pytest.fixture(scope="session")
def bare_image(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Cache and requirements of an image without packages: made in a moment, without network."""
    folder = tmp_path_factory.mktemp("image")
    requirements = folder / "none.txt"
    requirements.write_text("# nothing\n")
    image.prepare(folder / "cache", requirements)
    return folder / "cache", requirements


@pytest.fixture
def stage(tmp_path: Path, bare_image: tuple[Path, Path]) -> Stage:
    result = Stage(tmp_path / "build", *bare_image)
    write_stage(result)
    return result


@pytest.fixture(scope="session")
def working_mechanisms(
    tmp_path_factory: pytest.TempPathFactory, bare_image: tuple[Path, Path]
) -> dict[str, str]:
    """By mechanism: "" where it works here, else why it does not."""
    found = {}
    for mechanism in mechanisms.ISOLATING:
        trial = Stage(tmp_path_factory.mktemp("trial") / "build", *bare_image)
        write_stage(trial)
        try:
            trial.play(isolation=mechanism.name)
            found[mechanism.name] = ""
        except FoldshipError as error:
            found[mechanism.name] = error.found
    return found


@pytest.fixture
def need_sandbox(working_mechanisms: dict[str, str]) -> None:
    if all(working_mechanisms.values()):
        pytest.skip(f"no sandbox can be had here: {working_mechanisms}")


@pytest.fixture
def need_mechanism(working_mechanisms: dict[str, str]) -> Callable[[str], None]:
    def need(name: str) -> None:
        if working_mechanisms[name]:
            pytest.skip(f"{name}: {working_mechanisms[name]}")

    return need
