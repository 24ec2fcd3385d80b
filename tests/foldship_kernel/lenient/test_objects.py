"""Rows in JSON that is odd, cut off, or written in another way."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from foldship_kernel import opening
from foldship_kernel.lenient.rows import LenientRows
from foldship_kernel.records import Records

RECORDS = Records(list="questions", where={"type": "yesno"}, columns={"snippets": "snippets[].text"})
ROWS = [
    {"id": f"q{n}", "type": "yesno", "body": f"text {n}", "snippets": [{"text": "one"}, {"text": "two"}]}
    for n in range(4)
]
WHOLE = json.dumps({"questions": ROWS}, indent=1)


def read(
    folder: Path, content: str | bytes, records: Records | None = RECORDS
) -> tuple[LenientRows, pd.DataFrame]:
    path = folder / "test.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    rows = LenientRows(opening.source(path), records, required=("body", "snippets"), id_column="id")
    return rows, pd.concat([pd.DataFrame(columns=list(rows.columns)), *rows.chunks()])


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (WHOLE, ["q0", "q1", "q2", "q3"]),
        (WHOLE[:-40], ["q0", "q1", "q2"]),
        (WHOLE.replace('"text 1"', '"text "1"'), ["q0", "q2", "q3"]),
        (WHOLE.replace("text 1", "text\n1"), ["q0", "q1", "q2", "q3"]),
        (WHOLE.replace('"text 1"', "NaN"), ["q0", "q1", "q2", "q3"]),
        (WHOLE.encode().replace(b"text 1", b"t\xe9xt 1"), ["q0", "q1", "q2", "q3"]),
        (WHOLE.replace('"q1"', "7"), ["q0", "7", "q2", "q3"]),
        (WHOLE.replace('"id": "q1",', ""), ["q0", "", "q2", "q3"]),
        (json.dumps({"questions": [*ROWS, "odd", None]}), ["q0", "q1", "q2", "q3"]),
        (json.dumps(ROWS), ["q0", "q1", "q2", "q3"]),
        ("\n".join(map(json.dumps, ROWS)), ["q0", "q1", "q2", "q3"]),
        ("\n".join([*map(json.dumps, ROWS), '{"id": "q4", "ty']), ["q0", "q1", "q2", "q3"]),
        (WHOLE.encode("utf-16"), ["q0", "q1", "q2", "q3"]),
        (
            json.dumps({"questions": {row["id"]: {**row, "id": row["id"]} for row in ROWS}}),
            ["q0", "q1", "q2", "q3"],
        ),
        ("", []),
        ("{", []),
    ],
)
def test_rows_that_are_whole_are_read(tmp_path: Path, content: str | bytes, ids: list[str]) -> None:
    rows, frame = read(tmp_path, content)
    assert list(rows.ids) == ids == frame["id"].tolist()
    for value, body, snippets in zip(frame["id"], frame["body"], frame["snippets"], strict=True):
        assert snippets == "one\ntwo"
        if value in ("q0", "q2", "q3"):
            assert body == f"text {value[1]}"


def test_what_was_left_out_is_told(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, WHOLE[:-40])
    assert [(one.count, "malformed or cut off" in one.what) for one in rows.mended] == [(1, True)]


def test_columns_under_other_names_and_values_of_other_kinds(tmp_path: Path) -> None:
    content = json.dumps([{"ID": 1, "Body": ["a", 2], "snippets": {"x": 1}}, {"ID": 2.5, "Body": True}])
    rows, frame = read(tmp_path, content, None)
    assert list(rows.ids) == ["1", "2.5"]
    assert frame["body"].tolist() == ["a\n2", "true"] and frame["snippets"].isna().all()
    assert dict(rows.written) == {"id": "ID", "body": "Body"}
