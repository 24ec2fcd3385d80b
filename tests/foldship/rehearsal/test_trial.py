from __future__ import annotations

from pathlib import Path

import pytest

from foldship.rehearsal import image, trial
from foldship_kernel.errors import FoldshipError


def test_a_sandbox_that_can_be_had_is_named(bare_image: tuple[Path, Path], need_sandbox: None) -> None:
    cache, requirements = bare_image
    found = trial.sandbox(cache, memory_gib=1, requirements=requirements)
    assert found.isolated


def test_without_isolation_there_is_always_one(bare_image: tuple[Path, Path]) -> None:
    cache, requirements = bare_image
    assert trial.sandbox(cache, isolation="none", memory_gib=1, requirements=requirements).name == "none"


def test_where_there_is_none_the_remedy_is_named(
    bare_image: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache, requirements = bare_image
    interpreter = image.best_interpreter()
    monkeypatch.setattr(image, "best_interpreter", lambda: interpreter)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FoldshipError, match="no sandbox to rehearse in") as error:
        trial.sandbox(cache, memory_gib=1, requirements=requirements)
    assert "ISOLATION=none (--isolation none)" in error.value.fix


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"isolation": "prayer"}, "unknown isolation 'prayer'"),
        ({"memory_gib": 0.001}, "impossible limits"),
        ({"memory_gib": float("nan")}, "impossible limits"),
        ({"cpus": 4096}, "impossible number of processors"),
    ],
)
def test_wishes_that_cannot_be_met_are_said_before_anything_is_made(
    options: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(FoldshipError, match=message):
        trial.sandbox(tmp_path / "cache", **{"memory_gib": 1, **options})  # type: ignore[arg-type]
    assert not (tmp_path / "cache").exists()
