"""Names in YAML are what a person wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from foldship import competitions
from foldship_kernel.errors import FoldshipError

HEAD = "id: id\ntexts: [text]\n"


def declare(folder: Path, text: str) -> competitions.Competition:
    (folder / "own").mkdir()
    (folder / "own" / "competition.yaml").write_text(text)
    return competitions.get(folder, "own")


@pytest.mark.parametrize(
    ("classes", "targets"),
    [
        ("[0, 1]", ("0", "1")),
        ("[1.0, 2.0]", ("1.0", "2.0")),
        ("[1.10, 010]", ("1.10", "010")),
        ("[yes, no]", ("yes", "no")),
        ("[on, off]", ("on", "off")),
        ("[true, false]", ("true", "false")),
        ("[2024-01-01, 1:30]", ("2024-01-01", "1:30")),
    ],
)
def test_classes_without_quotes(tmp_path: Path, classes: str, targets: tuple[str, ...]) -> None:
    text = f"{HEAD}targets: {{column: label, classes: {classes}}}\nmetric: macro_f1\n"
    assert declare(tmp_path, text).task.targets == targets


def test_columns_without_quotes(tmp_path: Path) -> None:
    text = "id: 1\ntexts: [2, on]\ntargets: {columns: [2024]}\nmetric: f1\n"
    task = declare(tmp_path, text).task
    assert (task.id, task.columns, task.targets) == ("1", ("2", "on"), ("2024",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id: true\ntexts: [text]\ntargets: {columns: [a]}\nmetric: f1\n", "write the name in quotes"),
        ("id: id\ntexts: [null]\ntargets: {columns: [a]}\nmetric: f1\n", "write the name in quotes"),
        (HEAD + "targets: {columns: [a]}\nmetric: {name: f1, k: 3}\n", "k says how far map looks"),
        (HEAD + "targets: {columns: [a]}\nmetric: {name: f1, without: [0]}\n", "leaves nothing out"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FoldshipError, match=said) as caught:
        declare(tmp_path, text)
    assert "valid dictionary" not in str(caught.value)
