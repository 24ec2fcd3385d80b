"""One table, however it is packed and written, is read as the same rows."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship_kernel import locate
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
    pytest.importorskip("pyarrow")
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
    ".parquet": parquet,
}
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
