"""One table, however it is packed and written, is read as the same rows."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import json
import lzma
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship_kernel import containers, locate, magic, opening
from foldship_kernel.errors import DataError
from foldship_kernel.records import open_rows


def zipped(content: bytes, *names: str, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file of members with one content, as a file manager of macOS leaves it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name in names:
            archive.writestr(name, content)
            archive.writestr(f"__MACOSX/{Path(name).parent}/._{Path(name).name}", b"\0\5\26\7")
        archive.writestr(".DS_Store", b"\0\0\0\1Bud1")
    return stream.getvalue()


def parquet(rows: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    rows.to_parquet(stream, index=False)
    return stream.getvalue()


def json_lines(rows: pd.DataFrame) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows.to_dict("records")).encode()


FORMATS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    ".csv": lambda rows: rows.to_csv(index=False).encode(),
    ".tsv": lambda rows: rows.to_csv(index=False, sep="\t").encode("utf-8-sig"),
    ".txt": lambda rows: rows.to_csv(index=False, sep="\t", lineterminator="\r\n").encode(),
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".json": lambda rows: json.dumps(rows.to_dict("records"), ensure_ascii=False, indent=1).encode(),
}
if importlib.util.find_spec("pyarrow"):
    FORMATS[".parquet"] = parquet
PACKED: dict[str, Callable[[bytes, str], tuple[str, bytes]]] = {
    "as it is": lambda content, name: (name, content),
    ".gz": lambda content, name: (f"{name}.gz", gzip.compress(content)),
    ".bz2": lambda content, name: (f"{name}.bz2", bz2.compress(content)),
    ".xz": lambda content, name: (f"{name}.xz", lzma.compress(content)),
    ".zip": lambda content, name: (f"{name}.zip", zipped(content, name)),
    "a member in a folder": lambda content, name: (f"{name}.zip", zipped(content, f"data/{name}")),
    "a member of another name": lambda content, name: (f"{name}.zip", zipped(content, "0.csv")),
    "stem.zip": lambda content, name: (f"{Path(name).stem}.zip", zipped(content, name)),
    "zip under the plain name": lambda content, name: (name, zipped(content, name)),
    "gzip under the plain name": lambda content, name: (name, gzip.compress(content)),
    "the competition's archive": lambda content, name: (
        "the-competition.zip",
        zipped(content, name, f"nested/{name}.bak"),
    ),
    "zip in the archive": lambda content, name: (
        "the-competition.zip",
        zipped(zipped(content, name), f"files/{name}.zip"),
    ),
}
cells = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], include_characters='\t,"\n;{['), max_size=12
)


def read(path: Path) -> pd.DataFrame:
    rows = open_rows(path, None, required=("text", "label"), id_column="id", strict=True)
    table = pd.concat(list(rows.chunks()))
    assert list(table["id"]) == list(rows.ids)
    pd.testing.assert_frame_equal(pd.concat(list(rows.chunks())), table)
    return table[["id", "text", "label"]]


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    texts=st.lists(cells, min_size=2, max_size=4),
    ending=st.sampled_from(sorted(FORMATS)),
    packing=st.sampled_from(sorted(PACKED)),
)
def test_a_table_is_the_same_in_every_format_and_container(
    texts: list[str], ending: str, packing: str
) -> None:
    rows = pd.DataFrame(
        {
            "id": [f"0{number}" for number in range(len(texts))],
            "text": texts,
            "label": list(range(len(texts))),
        }
    )
    expected = rows.astype(object).assign(
        text=pd.Series([text or None for text in texts], dtype=object),
        label=pd.Series([str(number) for number in rows["label"]], dtype=object),
    )
    expected = expected.astype(object)
    with tempfile.TemporaryDirectory() as folder:
        name, content = PACKED[packing](FORMATS[ending](rows), f"test{ending}")
        (Path(folder) / "slug").mkdir()
        (Path(folder) / "slug" / name).write_bytes(content)
        # Declared as what it is, or as CSV, of which it is another spelling.
        for declared in {f"test{ending}", "test.csv"} if ending != ".txt" else {f"test{ending}"}:
            assert list(locate.holding(Path(folder), [declared])) == [Path(folder) / "slug"]
            pd.testing.assert_frame_equal(read(Path(folder) / "slug" / declared), expected)
            if name.endswith(".zip"):
                pd.testing.assert_frame_equal(read(Path(folder) / "slug" / name / declared), expected)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n",
            "Git LFS pointer(.|\n)*git lfs pull",
        ),
        (b"\n<!DOCTYPE html><html><title>Log in</title>", "a web page(.|\n)*log in to Kaggle"),
        (b"<?xml version='1.0'?><rows/>", "an XML document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "an Excel workbook(.|\n)*save the table as CSV"),
        (zipped(b"<workbook/>", "xl/workbook.xml"), "an Excel workbook(.|\n)*save the table as CSV"),
        (zipped(b"", "content.xml"), "an OpenDocument spreadsheet"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive(.|\n)*unpack it"),
        (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
        (b"\x28\xb5\x2f\xfd\0", "Zstandard"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x80\x04\x95", "a Python pickle"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"ARROW1\0\0", "an Arrow"),
        (gzip.compress(b"id,text,label\n1,a,b\n" * 99)[:40], "damaged, or was cut off"),
        (zipped(b"id,text,label\n1,a,b\n", "test.csv")[:60], "damaged, or was cut off"),
        (zipped(b"x", "notes.md"), "holds no test.csv(.|\n)*notes.md"),
        (
            zipped(b"x", "a/test.csv", "b/test.csv"),
            "several files in it may be test.csv(.|\n)*a/test.csv, b/test.csv",
        ),
    ],
    ids=lambda value: value.partition("(")[0] if isinstance(value, str) else "bytes",
)
def test_what_is_no_table_is_named_for_what_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "test.csv").write_bytes(content)
    with pytest.raises(DataError, match=said):
        read(tmp_path / "test.csv")
    if magic.container(content) is None:  # in a zip, too
        (tmp_path / "test.csv").unlink()
        (tmp_path / "test.csv.zip").write_bytes(zipped(content, "test.csv"))
        with pytest.raises(DataError, match=said):
            read(tmp_path / "test.csv")


@pytest.mark.parametrize(
    ("places", "value", "said"),
    [
        ((6, 8), 1, "test.csv is encrypted(.|\n)*unpack it"),
        ((8, 10), 9, "cannot be unpacked here(.|\n)*compression"),  # Deflate64, as Windows packs large files
    ],
)
def test_members_that_cannot_be_unpacked_are_named(
    tmp_path: Path, places: tuple[int, int], value: int, said: str
) -> None:
    content = bytearray(zipped(b"id,text,label\n1,a,b\n", "test.csv"))
    for header, place in zip((b"PK\3\4", b"PK\1\2"), places, strict=True):
        content[content.find(header) + place] = value
    (tmp_path / "test.csv.zip").write_bytes(content)
    with pytest.raises(DataError, match=said):
        read(tmp_path / "test.csv")


def test_several_files_that_may_be_the_table_are_named(tmp_path: Path) -> None:
    for name in ("test.jsonl", "test.tsv"):
        (tmp_path / name).write_text("x")
    with pytest.raises(DataError, match=r"several files may be it(.|\n)*test.jsonl, test.tsv"):
        opening.source(tmp_path / "test.csv")
    assert opening.there(tmp_path / "test.csv")
    (tmp_path / "test.csv").write_text("id,text,label\n1,a,b\n")
    assert len(read(tmp_path / "test.csv")) == 1
    for name in ("a.zip", "b.zip"):
        (tmp_path / name).write_bytes(zipped(b"id\n1\n", "wanted.csv"))
    with pytest.raises(DataError, match=r"several archives hold it(.|\n)*a.zip, b.zip"):
        opening.source(tmp_path / "wanted.csv")


def test_other_spellings_of_a_name_are_found(tmp_path: Path) -> None:
    (tmp_path / "sampleSubmission.csv").write_text("id,text,label\n1,a,b\n")
    assert len(read(tmp_path / "sample_submission.csv")) == 1
    (tmp_path / "Test.CSV").mkdir()
    (tmp_path / "test.csv").mkdir()  # what some unpack test.csv.zip into
    (tmp_path / "test.csv" / "test.csv").write_text("id,text,label\n1,a,b\n2,c,d\n")
    assert len(read(tmp_path / "test.csv")) == 2
    with pytest.raises(DataError, match="no such file"):
        opening.source(tmp_path / "train.csv")
    assert not opening.there(tmp_path / "train.csv")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('id\ttext\tlabel\n1\t"quoted, \t well"\ta\n', [["1", "quoted, \t well", "a"]]),
        ('id\ttext\tlabel\n1\t"so" she said\ta\n2\t5" wide\tb\n',
         [["1", '"so" she said', "a"], ["2", '5" wide', "b"]]),
        ("id;text;label\n1;a, b;c\n", [["1", "a, b", "c"]]),
        ("id|text|label\n1|a, b|c\n", [["1", "a, b", "c"]]),
        ('id, text, label\n1, "a, b", c\n', [["1", "a, b", "c"]]),
        ('{"id": 1, "text": "a", "label": 1.50}\n\n{"id": 2, "text": ["a b", "c"], "label": null}\n',
         [["1", "a", "1.50"], ["2", "a b\nc", None]]),
        ('[{"id": 1, "text": "a", "label": true}]', [["1", "a", "true"]]),
    ],
)  # fmt: skip
def test_rows_are_read_as_they_lie_there(tmp_path: Path, text: str, rows: list[list[str | None]]) -> None:
    (tmp_path / "test.csv").write_text(text, newline="")
    assert read(tmp_path / "test.csv").to_numpy().tolist() == rows


def test_values_of_parquet_are_as_in_csv(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "id": pd.array([1, 2, 10**17 + 1], dtype="Int64"),
            "text": [["a b", "c"], None, ["d"]],
            "label": pd.array([True, None, False], dtype="boolean"),
            "amount": [0.5, None, 2.0],
            "other": [{"a": 1}] * 3,
        }
    )
    frame.to_parquet(tmp_path / "test.parquet")
    rows = open_rows(
        tmp_path / "test.csv", None, required=("text", "label", "amount"), id_column="id", strict=True
    )
    assert next(iter(rows.chunks())).to_numpy().tolist() == [
        ["1", "a b\nc", "True", "0.5"],
        ["2", None, None, None],
        [str(10**17 + 1), "d", "False", "2.0"],
    ]
    with pytest.raises(DataError, match="entry 1: 'other' holds an object"):
        open_rows(tmp_path / "test.csv", None, required=("other",), id_column="id", strict=True)
    content = (tmp_path / "test.parquet").read_bytes()
    (tmp_path / "test.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="no readable Parquet file"):
        open_rows(tmp_path / "test.csv", None, required=(), id_column="id", strict=True)


def test_without_pyarrow_parquet_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "test.csv").write_bytes(b"PAR1" + bytes(40) + b"PAR1")
    with pytest.raises(DataError, match=r"a Parquet file(.|\n)*pip install pyarrow"):
        read(tmp_path / "test.csv")


def test_a_damaged_stream_may_end_early_and_say_so(tmp_path: Path) -> None:
    table = "id,text,label\n" + "".join(f"{number},{number * 7919 % 10007},b\n" for number in range(40_000))
    packed = gzip.compress(table.encode())
    (tmp_path / "test.csv.gz").write_bytes(packed[: len(packed) // 2])
    source = opening.source(tmp_path / "test.csv")
    said: list[str] = []
    with source.open(said.append) as stream:
        assert table.encode().startswith(found := stream.read()) and len(found) > 10_000
    assert len(said) == 1
    with pytest.raises(DataError, match="damaged, or was cut off"), source.open() as stream:
        stream.read()


def test_an_archive_is_looked_into_only_where_no_folder_holds_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("a", "b/competitions"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "b" / "competitions" / "all.zip").write_bytes(zipped(b"id\n1\n", "test.csv"))
    assert list(locate.holding(tmp_path, ["test.csv"])) == [tmp_path / "b" / "competitions"]
    (tmp_path / "a" / "test.csv.gz").write_bytes(gzip.compress(b"id\n1\n"))
    found = locate.holding(tmp_path, ["test.csv"])
    monkeypatch.setattr(containers, "archive", None)
    assert next(found) == tmp_path / "a"
