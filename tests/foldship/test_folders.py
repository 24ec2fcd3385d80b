from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from foldship import folders


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """Two places with earlier folders, whose content is `old`."""
    found = tmp_path / "dataset", tmp_path / "kernel"
    for place in found:
        write(place, "old")
    return found


def write(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "content").write_text(text)
    return folder


def read(places: tuple[Path, Path]) -> list[str]:
    return [(place / "content").read_text() for place in places]


def staged(places: tuple[Path, Path]) -> dict[Path, Path]:
    return {place: write(place.with_name(f".{place.name}.part"), "new") for place in places}


def test_new_folders_take_their_places(places: tuple[Path, Path], tmp_path: Path) -> None:
    folders.replace(staged(places))
    assert read(places) == ["new", "new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "kernel"]


@pytest.mark.parametrize("failing", range(4))
def test_a_failure_leaves_all_as_it_was(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    new = staged(places)
    rename, calls = Path.rename, []

    def unreliable(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == failing + 1:
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", unreliable)
    with pytest.raises(OSError, match="Input/output"):
        folders.replace(new)
    assert read(places) == ["old", "old"]
    assert [(folder / "content").read_text() for folder in new.values()] == ["new", "new"]


@pytest.mark.parametrize("done", range(5))
def test_a_kill_at_any_moment_leaves_one_whole_result(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    new = staged(places)
    rename, calls = Path.rename, []

    def killed(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) > done:  # from here on nothing happens any more
            raise OSError
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", killed)
    with suppress(OSError):
        folders.replace(new)
    monkeypatch.undo()
    folders.restore(*places)
    assert read(places) == (["new", "new"] if done == 4 else ["old", "old"])


@pytest.mark.parametrize("done", range(7))
def test_a_kill_never_mixes_results_of_different_parts(
    places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    """The earlier result has a third folder, the new one a fourth instead."""
    third, fourth = tmp_path / "dataset-2", tmp_path / "dataset-3"
    write(third, "old")
    new = staged((fourth, *places))
    rename, calls = Path.rename, []

    def killed(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) > done:
            raise OSError
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", killed)
    with suppress(OSError):
        folders.replace(new, [third])
    monkeypatch.undo()
    folders.restore(*places, others=[third, fourth])
    if done == 6:
        assert read(places) == ["new", "new"]
        assert fourth.exists() and not third.exists()
    else:
        assert read(places) == ["old", "old"]
        assert third.exists() and not fourth.exists()


def test_what_nothing_comes_for_is_deleted(places: tuple[Path, Path], tmp_path: Path) -> None:
    write(tmp_path / "dataset-2", "old")
    folders.replace(staged(places), [tmp_path / "dataset-2", tmp_path / "dataset-3"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "kernel"]


def test_nothing_is_put_back_where_nothing_is_missing(places: tuple[Path, Path]) -> None:
    write(places[0].with_name(".dataset.old"), "older")
    folders.restore(*places)
    assert read(places) == ["old", "old"]
