from __future__ import annotations

from pathlib import Path

import pytest

from foldship.documents import tables
from foldship.documents.document import Document, Section
from foldship.documents.passages import Passage
from foldship_kernel.errors import DataError

DOCUMENTS = [
    Document(
        "a", "http://a", 'Ünicode \u2028 "quoted"\n', (Section("S", "Text.\n\nMore."), Section("", "λ"))
    ),
    Document("b", "http://b", "", ()),
]
PASSAGES = [Passage("a#0", "a", 0, "S", "Text."), Passage("a#1", "a", 1, "", "λ\x85β")]


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert tables.write(path, DOCUMENTS) == 2
    assert list(tables.read_documents(path)) == DOCUMENTS
    assert tables.write(path, PASSAGES) == 2
    assert list(tables.read_passages(path)) == PASSAGES
    assert path.read_bytes().count(b"\n") == 2


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "1", tmp_path / "2"
    tables.write(one, DOCUMENTS)
    tables.write(other, iter(DOCUMENTS))
    assert one.read_bytes() == other.read_bytes()


def test_an_earlier_file_survives_what_fails(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    tables.write(path, PASSAGES)

    def failing() -> object:
        yield PASSAGES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tables.write(path, failing())  # type: ignore[arg-type]
    assert list(tables.read_passages(path)) == PASSAGES
    assert [found.name for found in tmp_path.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize(
    "line", ["", "{", "[]", '{"id": "a"}', '{"id":"a","document":"a","place":0,"text":"t","x":1}']
)
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.jsonl"
    tables.write(path, PASSAGES)
    with path.open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(DataError, match="line 3: no passage"):
        list(tables.read_passages(path))
