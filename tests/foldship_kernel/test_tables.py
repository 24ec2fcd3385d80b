"""Tables as other people write them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foldship_kernel import tables
from foldship_kernel.errors import DataError

PLAIN = "qa_id,title,score\n7,first,0.5\n007,second,1\n"


def read(folder: Path, content: str | bytes, required: tuple[str, ...] = ("title",)) -> pd.DataFrame:
    path = folder / "test.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tables.read_table(path, required=required, id_column="qa_id")


def refuse(folder: Path, content: str | bytes, required: tuple[str, ...] = ("title",)) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, content, required)
    assert "test.csv" in caught.value.what
    assert caught.value.fix
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        "\ufeff" + PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.rstrip("\n"),
        PLAIN + "\n\n , ,\n",
        "qa_id,title,score,note\n7,first,0.5,a\n007,second,1,\n",
        "title,score,qa_id\nfirst,0.5,7\nsecond,1,007\n",
        ",qa_id,title,score\n0,7,first,0.5\n1,007,second,1\n",
        "\ufeff,qa_id,title,score\n0,7,first,0.5\n1,007,second,1\n",
        "Unnamed: 0,qa_id,title,score\n0,7,first,0.5\n1,007,second,1\n",
        "Unnamed: 0.1,Unnamed: 0,qa_id,title,score\n0,0,7,first,0.5\n1,1,007,second,1\n",
        '"qa_id","title","score"\n"1","7","first",0.5\n"2","007","second",1\n',
        "qa_id,title,score\n7,first,0.5,\n007,second,1,\n",
    ],
)
def test_the_same_table_in_any_dress(tmp_path: Path, content: str) -> None:
    frame = read(tmp_path, content)
    assert frame.columns[0] == "qa_id"
    assert not [name for name in frame.columns if not name or name.startswith("Unnamed")]
    assert frame["qa_id"].tolist() == ["7", "007"]  # as they came, not as numbers
    assert frame["title"].tolist() == ["first", "second"]
    assert tables.numbers(frame, ["score"], tmp_path / "test.csv", 0, 1)["score"].tolist() == [0.5, 1.0]


def test_text_is_kept_as_it_stands(tmp_path: Path) -> None:
    text = 'a &lt; b,\r\n"quoted" — 日本 \U0001f600\nNA null NaN '
    path = tmp_path / "test.csv"
    pd.DataFrame({"qa_id": ["1", "2", "3"], "title": [text, "NA", None]}).to_csv(path, index=False)
    titles = tables.read_table(path, required=["title"], id_column="qa_id")["title"].tolist()
    assert titles == [text, "NA", None]


def test_a_very_long_text(tmp_path: Path) -> None:
    assert read(tmp_path, f"qa_id,title\n1,{'x' * 400_000}\n")["title"].str.len().tolist() == [400_000]


# Lone surrogates cannot be written as UTF-8.
FIELDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(FIELDS, min_size=1, max_size=6))
def test_whatever_csv_writes_is_read_back(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "test.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["qa_id", "title"])
        writer.writerows([str(number), text] for number, text in enumerate(texts))
    frame = tables.read_table(path, required=["title"], id_column="qa_id")
    assert frame["title"].tolist() == [text or None for text in texts]


def test_a_missing_file_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "train.csv.zip").touch()
    with pytest.raises(DataError, match=r"train\.csv\.zip"):
        tables.read_table(tmp_path / "train.csv", required=[], id_column="qa_id")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        tables.read_table(tmp_path / "nowhere" / "train.csv", required=[], id_column="qa_id")


@pytest.mark.parametrize("content", ["", "\ufeff", "\n\r\n  \n"])
def test_an_empty_file(tmp_path: Path, content: str) -> None:
    assert "the file is empty" in refuse(tmp_path, content)


def test_a_header_alone(tmp_path: Path) -> None:
    assert "no rows" in refuse(tmp_path, "qa_id,title\n")


def test_a_missing_column_names_similar_ones(tmp_path: Path) -> None:
    message = refuse(tmp_path, PLAIN, required=("titel",))
    assert "no column 'titel'" in message
    assert "similar: title" in message


def test_a_missing_column_without_similar_ones_lists_all(tmp_path: Path) -> None:
    assert "qa_id, title, score" in refuse(tmp_path, PLAIN, required=("hostname",))


def test_a_needed_column_is_not_taken_for_a_missing_one(tmp_path: Path) -> None:
    assert "similar" not in refuse(tmp_path, PLAIN, required=("titles", "title"))


def test_a_missing_id_column(tmp_path: Path) -> None:
    assert "no column 'qa_id'" in refuse(tmp_path, "id,title\n1,a\n")


def test_a_needed_column_twice(tmp_path: Path) -> None:
    assert "stands 2 times" in refuse(tmp_path, "qa_id,title,title\n1,a,b\n")


def test_an_unneeded_column_twice_does_no_harm(tmp_path: Path) -> None:
    assert read(tmp_path, "qa_id,title,x,x\n1,a,b,c\n")["x"].tolist() == ["b"]


def test_a_duplicate_id_names_both_places(tmp_path: Path) -> None:
    message = refuse(tmp_path, 'qa_id,title\n5,"two\nlines"\n6,b\n5,c\n')
    assert "id 5 twice" in message
    assert "row 1 (line 3) and row 3 (line 5)" in message


@pytest.mark.parametrize("value", ["", " ", "NaN", "nan"])
def test_a_missing_id_names_its_place(tmp_path: Path, value: str) -> None:
    assert "row 2 (line 3)" in refuse(tmp_path, f"qa_id,title\n5,a\n{value},b\n")


@pytest.mark.parametrize("row", ["6", "6,b,c,d", "6,b,c"])
def test_a_ragged_row_names_its_line(tmp_path: Path, row: str) -> None:
    message = refuse(tmp_path, f"qa_id,title\n5,a\n{row}\n")
    assert "line 3" in message
    assert "2 fields" in message


def test_a_file_cut_off_inside_quotes(tmp_path: Path) -> None:
    assert "after line 2" in refuse(tmp_path, 'qa_id,title\n5,a\n6,"cut o')


def test_another_encoding(tmp_path: Path) -> None:
    assert "UTF-8" in refuse(tmp_path, "qa_id,title\n5,café\n".encode("latin-1"))
    said = refuse(tmp_path, PLAIN.encode("utf-16-le"))
    assert "no column" in said


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-be", "utf-32-le"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    text = "qa_id,title\r\n7,caf\u00e9 \ud55c\uad6d\uc5b4\r\n"
    mark = "" if encoding in ("utf-8-sig", "utf-16", "utf-32") else "\ufeff"
    assert read(tmp_path, (mark + text).encode(encoding))["title"].tolist() == [
        "caf\u00e9 \ud55c\uad6d\uc5b4"
    ]


@pytest.mark.parametrize(("encoding", "word"), [("cp1252", "caf\u00e9"), ("cp949", "\ud55c\uad6d\uc5b4")])
def test_an_encoding_that_is_named_is_taken(tmp_path: Path, encoding: str, word: str) -> None:
    path = tmp_path / "test.csv"
    path.write_bytes(f"qa_id,title\n5,{word}\n".encode(encoding))
    found = tables.read_table(path, required=["title"], id_column="qa_id", encoding=encoding)
    assert found["title"].tolist() == [word]
    path.write_bytes(f"\ufeffqa_id,title\n5,{word}\n".encode())
    found = tables.read_table(path, required=["title"], id_column="qa_id", encoding=encoding)
    assert found["title"].tolist() == [word], "its own mark goes before the name"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", "nothing"),
        ("NaN", "'NaN'"),
        ("1.2", "'1.2'"),
        ("-0.1", "'-0.1'"),
        ("high", "'high'"),
        ("inf", "'inf'"),
    ],
)
def test_what_is_no_number_in_the_range(tmp_path: Path, value: str, shown: str) -> None:
    frame = read(tmp_path, f"qa_id,title,score\n5,a,1\n6,b,{value}\n")
    with pytest.raises(DataError) as caught:
        tables.numbers(frame, ["score"], tmp_path / "test.csv", 0, 1)
    message = str(caught.value)
    for part in ("test.csv", "column 'score'", "row 2", "qa_id 6", "from 0 to 1", f"found:    {shown}"):
        assert part in message


def test_further_wrong_numbers_are_counted(tmp_path: Path) -> None:
    frame = read(tmp_path, "qa_id,title,score\n5,a,2\n6,b,3\n7,c,4\n")
    with pytest.raises(DataError, match="and 2 more"):
        tables.numbers(frame, ["score"], tmp_path / "test.csv", 0, 1)


def test_the_row_of_a_wrong_number_survives_filtering(tmp_path: Path) -> None:
    frame = read(tmp_path, "qa_id,title,score\n5,a,1\n6,b,1\n7,c,4\n").iloc[1:]
    with pytest.raises(DataError, match=r"row 3 \(qa_id 7\)"):
        tables.numbers(frame, ["score"], tmp_path / "test.csv", 0, 1)


def test_numbers_keep_index_and_order(tmp_path: Path) -> None:
    frame = read(tmp_path, PLAIN).iloc[::-1]
    parsed = tables.numbers(frame, ["score"], tmp_path / "test.csv", 0, 1)
    assert parsed.index.tolist() == [1, 0]
    assert parsed["score"].dtype == np.float64
