from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from foldship_kernel import rows as rows_module
from foldship_kernel.errors import DataError
from foldship_kernel.rows import CsvRows, FrameRows


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "CHUNK_ROWS", 3)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_pieces_together_are_the_table_and_can_be_read_again(tmp_path: Path) -> None:
    lines = [f'{number},"text {number}\nof two lines",' for number in range(8)]
    path = write(tmp_path / "test.csv", "id,text,empty\n" + "\n".join(lines) + "\n")
    rows = CsvRows(path, required=["text"], id_column="id")
    assert rows.ids == [str(number) for number in range(8)]
    assert rows.columns == ("id", "text", "empty")
    for _ in range(2):
        chunks = list(rows.chunks())
        assert [len(chunk) for chunk in chunks] == [3, 3, 2]
        whole = pd.concat(chunks)
        assert whole.index.tolist() == list(range(8))
        assert whole["text"].tolist() == [f"text {number}\nof two lines" for number in range(8)]
        assert whole["empty"].isna().all()


def test_rows_in_memory_come_in_pieces_too() -> None:
    frame = pd.DataFrame({"id": list("abcd"), "text": list("wxyz")})
    rows = FrameRows(frame, "id")
    assert rows.ids == list("abcd")
    pd.testing.assert_frame_equal(pd.concat(list(rows.chunks())), frame)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("id,text\n1,a\n2,b\n3,c\n4,d\n4,e\n", "the id 4 twice"),
        ("id,text\n1,a\n2,b\n3,c\n4,d\n,e\n", "no id in row 5"),
        ("id,text\n1,a\n2,b\n3,c\n4,d\n5\n", "ends on line 6"),
        ('id,text\n1,a\n2,b\n3,c\n4,d\n5,"e\n', "CSV file after line 5"),
    ],
)
def test_trouble_beyond_the_first_piece_shows_before_any_piece_is_read(
    tmp_path: Path, text: str, where: str
) -> None:
    with pytest.raises(DataError, match=where):
        CsvRows(write(tmp_path / "test.csv", text), required=[], id_column="id")


def test_r_writes_row_names_without_a_header(tmp_path: Path) -> None:
    path = write(tmp_path / "test.csv", "id,text\nr1,7,a\nr2,8,b\nr3,9,c\nr4,10,d\n")
    rows = CsvRows(path, required=["text"], id_column="id")
    assert rows.ids == ["7", "8", "9", "10"]
    assert pd.concat(list(rows.chunks()))["text"].tolist() == list("abcd")


def test_no_more_than_a_piece_is_held(tmp_path: Path) -> None:
    big = "x" * 100_000
    path = write(tmp_path / "test.csv", "id,text\n" + "".join(f"{n},{big}\n" for n in range(30)))
    rows = CsvRows(path, required=["text"], id_column="id")
    assert sum(map(sys.getsizeof, rows.ids)) < 10_000
    for chunk in rows.chunks():
        assert len(chunk) == 3
