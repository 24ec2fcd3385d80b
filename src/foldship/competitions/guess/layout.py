"""Which of the files in a folder are the training rows, the test rows and the sample submission."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from foldship_kernel import opening
from foldship_kernel.errors import DataError, listed

TRAIN, TEST, SAMPLE = "train.csv", "test.csv", "sample_submission.csv"
_TEXTS = (".txt", ".md")


@dataclass(frozen=True)
class Layout:
    """Files of a competition's folder, by their declared names.

    Attributes:
        folder: where they lie.
        train: the training rows.
        test: the rows to predict; None where no file can be them.
        sample: the sample submission; None where there is none.
        others: further tables, which are not looked at.
        texts: folders that hold a text a file, each with the names of these without their ending.
    """

    folder: Path
    train: str
    test: str | None
    sample: str | None
    others: tuple[str, ...]
    texts: dict[str, frozenset[str]]


def training_file(folder: Path) -> Path:
    """The file with the training rows in a folder, by its declared name.

    Raises:
        DataError: none is called like it, or several are.
    """
    tables = _tables(folder)
    found = [name for name in tables if name == TRAIN] or [
        name for name in tables if "train" in opening.key(name) and "label" not in opening.key(name)
    ]
    paired = [name for name in found if _other_word(name) & {opening.key(table) for table in tables}]
    found = [name for name in found if opening.key(name) == "train"] or paired or found
    if len(found) == 1:
        return folder / found[0]
    raise DataError(
        f"{folder}: {'several files' if found else 'no file'} may hold the training rows",
        expected=f"{TRAIN}, or one table with train in its name",
        found=listed(found or tables) or "no table",
        fix=f"name the file: --from {folder / (found or tables or [TRAIN])[0]}",
    )


def layout(train: Path) -> Layout:
    """What lies beside a training file.

    Args:
        train: as it is declared, see `opening.source`.
    """
    folder = train.parent
    tables = [name for name in _tables(folder) if not opening.same_table(name, train.name)]
    samples = [name for name in tables if _is_sample(opening.key(name))]
    rest = [name for name in tables if name not in samples]
    test = _test(train.name, rest)
    sample = min(
        samples, key=lambda name: (opening.key(name) != opening.key(SAMPLE), len(name)), default=None
    )
    others = tuple(name for name in tables if name not in (test, sample))
    return Layout(folder, train.name, test, sample, others, _text_folders(folder))


def declared(layout: Layout) -> dict[str, str | None]:
    """`files` of `competition.yaml`: what is not called as usual."""
    files = {"train": (layout.train, TRAIN), "test": (layout.test or TEST, TEST)}
    found: dict[str, str | None] = {key: name for key, (name, usual) in files.items() if name != usual}
    if layout.sample != SAMPLE:
        found["sample"] = layout.sample
    return found


def _tables(folder: Path) -> list[str]:
    """Tables in a folder, by the names that they are declared by: without what they are packed in."""
    found = []
    for path in sorted(folder.iterdir()):
        name = path.name
        if name.startswith(".") or not path.is_file():
            continue
        bare = opening.unpacked(name)
        if bare.lower().endswith((*opening.TABLES, ".txt")):
            found.append(bare)
        elif name.lower().endswith(".zip"):  # train.zip holds train.csv
            found.extend(
                inside for inside in opening.tables_in(path) if opening.key(inside) == opening.key(name)
            )
    return list(dict.fromkeys(found))


def _is_sample(key: str) -> bool:
    return "submission" in key or key.startswith("sample") or key == "samplesub"


def _test(train: str, tables: Iterable[str]) -> str | None:
    """The table whose name is the training file's with another word, or the one that is called a test."""
    names = list(tables)
    wanted = _other_word(train)
    ways: list[Callable[[str], bool]] = [
        lambda key: key in wanted,
        lambda key: key == "test",
        lambda key: bool(re.match(r"test|.*test$", key)) and "label" not in key,
    ]
    for fits in ways:
        found = [name for name in names if fits(opening.key(name))]
        if found:
            ending = Path(train).suffix.lower()
            return min(found, key=lambda name: (Path(name).suffix.lower() != ending, name))
    return None


def _other_word(train: str) -> set[str]:
    """Keys of tables that are called as a training file, but a test."""
    stem = opening.key(train)
    return {stem.replace(word, "test") for word in ("training", "train") if word in stem}


def _text_folders(folder: Path) -> dict[str, frozenset[str]]:
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            stems = frozenset(file.stem for file in path.iterdir() if file.suffix.lower() in _TEXTS)
            if stems:
                found[path.name] = stems
    return found
