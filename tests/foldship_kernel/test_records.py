from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foldship_kernel.errors import DataError
from foldship_kernel.records import RecordRows, Records, open_rows
from foldship_kernel.rows import CHUNK_ROWS, CsvRows

BIOASQ = Records(
    list="questions",
    where={"type": "yesno"},
    columns={
        "question": "body",
        "snippets": "snippets[].text",
        "documents": "documents[]",
        "place": "meta.place",
        "answer": "exact_answer",
    },
)
WANTED = ("question", "snippets", "documents", "place")


def question(**changes: Any) -> dict[str, Any]:
    return {
        "id": "q1",
        "type": "yesno",
        "body": "Is it so?",
        "documents": ["http://a/1", "http://a/2"],
        "snippets": [{"text": "It is\n so.", "document": "x"}, {"text": None}, {"text": "Surely."}],
        "meta": {"place": 7},
    } | changes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "train.json"


def read(path: Path, *questions: Any, strict: bool = True, required: tuple[str, ...] = WANTED) -> RecordRows:
    path.write_text(json.dumps({"questions": list(questions)}), encoding="utf-8")
    return RecordRows(path, BIOASQ, required=required, id_column="id", strict=strict)


def test_values_become_columns(path: Path) -> None:
    rows = read(
        path,
        question(),
        question(id="list", type="list"),
        question(id="q2", documents=[], snippets=None, meta={}),
    )
    assert list(rows.ids) == ["q1", "q2"] and rows.columns == ("id", *WANTED)
    (table,) = rows.chunks()
    assert table.iloc[0].to_dict() == {
        "id": "q1",
        "question": "Is it so?",
        "snippets": "It is so.\n\nSurely.",  # a line for each, whatever white space is in it
        "documents": "http://a/1\nhttp://a/2",
        "place": "7",
    }
    assert table.iloc[1].tolist() == ["q2", "Is it so?", None, None, None]
    assert all(kind == np.dtype(object) for kind in table.dtypes)


def test_rows_come_in_pieces_with_the_index_going_on(path: Path) -> None:
    rows = read(path, *(question(id=f"q{number}") for number in range(CHUNK_ROWS + 5)))
    first, second = rows.chunks()
    assert (len(first), len(second)) == (CHUNK_ROWS, 5)
    assert second.index[0] == CHUNK_ROWS and second["id"].iloc[-1] == rows.ids[-1]


def test_a_byte_order_mark_is_no_fault(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([question()]).encode())
    whole = Records(columns=BIOASQ.columns)
    assert RecordRows(path, whole, required=WANTED, id_column="id", strict=True).ids == ["q1"]


@pytest.mark.parametrize(
    "questions, said",
    [
        ([], ["no rows with type yesno", "an empty list"]),
        ([question(type="list")], ["no rows with type yesno", "1 others"]),
        ([question(), "no question"], ["questions, entry 2 is no object", "a text"]),
        (
            [question(), question()],
            ["holds the id q1 twice", "entry 1 of questions and entry 2"],
        ),
        ([question(id="a"), question(id=" ")], ["has no id in entry 2 of questions"]),
        ([question(id=None)], ["no row has 'id'"]),
        ([question(body={"text": "?"})], ["entry 1: 'body' holds an object"]),
        ([question(documents="http://a/1")], ["entry 1: 'documents[]' is a text, not a list"]),
        ([question(meta=[1])], ["entry 1: 'meta.place' lies in a list, not in an object"]),
        ([{"id": "q1", "type": "yesno", "text": "?"}], ["no row has 'body'", "keys id, text, type"]),
    ],
)
def test_what_cannot_be_read_is_named(path: Path, questions: list[Any], said: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        read(path, *questions)
    for part in (str(path), *said):
        assert part in str(caught.value)


def test_one_bad_value_aboard_costs_no_other_row(path: Path) -> None:
    rows = read(path, question(body={"text": "?"}), question(id="q2", meta="odd"), strict=False)
    (table,) = rows.chunks()
    assert table["question"].tolist() == [None, "Is it so?"]
    assert table["place"].tolist() == ["7", None]


def test_aboard_a_column_may_be_missing_but_not_an_id(path: Path) -> None:
    bare = {"id": "q1", "type": "yesno", "body": "Is it so?"}
    (table,) = read(path, bare, strict=False).chunks()
    assert table.iloc[0].tolist() == ["q1", "Is it so?", None, None, None]
    with pytest.raises(DataError, match="no row has 'id'"):
        read(path, bare | {"id": None}, strict=False)


@pytest.mark.parametrize(
    "content, said",
    [
        (b"{", "no valid JSON"),
        (b"", "no valid JSON"),
        (b'{"questions": "\xff"}', "not UTF-8"),
        (b"[]", "there is no 'questions' in it"),
        (b'{"rows": []}', "keys rows"),
        (b'{"questions": {}}', "questions is no list"),
        (b"[" * 100_000, "no valid JSON"),
    ],
)
def test_files_of_another_kind(path: Path, content: bytes, said: str) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        RecordRows(path, BIOASQ, required=WANTED, id_column="id", strict=False)
    assert said in str(caught.value)


def test_no_file(path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        RecordRows(path, BIOASQ, required=WANTED, id_column="id", strict=True)


def test_without_records_a_file_is_csv(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,text\n1,a\n")
    rows = open_rows(path, None, required=("text",), id_column="id", strict=True)
    assert isinstance(rows, CsvRows) and rows.ids == ["1"]
