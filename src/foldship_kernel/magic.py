"""What a file is by its first bytes, whatever its name says. Standard library only."""

from __future__ import annotations

import json
from dataclasses import dataclass

HEAD = 1 << 16  # bytes that are looked at

GZIP, BZIP2, XZ, ZIP = "gzip", "bzip2", "xz", "zip"
COMPRESSIONS = (GZIP, BZIP2, XZ)
_CONTAINERS = {
    b"\x1f\x8b": GZIP,
    b"BZh": BZIP2,
    b"\xfd7zXZ\x00": XZ,
    b"PK\x03\x04": ZIP,
    b"PK\x05\x06": ZIP,  # one without members
}

DELIMITED, JSON, JSON_LINES, PARQUET = "delimited", "json", "json lines", "parquet"
_PARQUET = b"PAR1"

_UNPACK = "unpack it, and name the folder"
_EXPORT = "save the table as CSV, or as Parquet, under the declared name"
_AGAIN = "log in to Kaggle, accept the competition's rules, and download the file again"
_FOREIGN: dict[bytes, tuple[str, str]] = {
    b"version https://git-lfs.github.com/spec": (
        "a Git LFS pointer, not the file itself",
        "fetch the file with `git lfs pull`",
    ),
    b"\x28\xb5\x2f\xfd": ("a file compressed with Zstandard", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("a 7-Zip archive", _UNPACK),
    b"Rar!\x1a\x07": ("a RAR archive", _UNPACK),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an Excel workbook of the old kind", _EXPORT),
    b"ARROW1": ("an Arrow (Feather) file", _EXPORT),
    b"Obj\x01": ("an Avro file", _EXPORT),
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file", _EXPORT),
    b"SQLite format 3\x00": ("an SQLite database", _EXPORT),
    b"\x93NUMPY": ("a NumPy array", _EXPORT),
    b"\x80\x02": ("a Python pickle", _EXPORT),
    b"\x80\x03": ("a Python pickle", _EXPORT),
    b"\x80\x04": ("a Python pickle", _EXPORT),
    b"\x80\x05": ("a Python pickle", _EXPORT),
    b"%PDF-": ("a PDF document", _EXPORT),
    b"{\\rtf": ("a document of a word processor", _EXPORT),
    b"<?xml": ("an XML document", _EXPORT),
    b"<html": ("a web page, not the file itself", _AGAIN),
    b"<!doctype html": ("a web page, not the file itself", _AGAIN),
}
_TAR_AT = 257

# Names of members that tell what a zip file really is.
OFFICE = {
    "xl/workbook.xml": "an Excel workbook",
    "xl/workbook.bin": "an Excel workbook",
    "word/document.xml": "a Word document",
    "content.xml": "an OpenDocument spreadsheet",
}


@dataclass(frozen=True)
class Layout:
    """How a table lies in its bytes.

    Attributes:
        kind: `DELIMITED` (a header and rows of fields), `JSON`, `JSON_LINES` or `PARQUET`.
        delimiter: between the fields of a delimited table.
        spaced: whether a blank behind each delimiter belongs to it, as in `id, text, label`.
    """

    kind: str
    delimiter: str = ","
    spaced: bool = False


def container(head: bytes) -> str | None:
    """The kind of a compressed file or an archive that can be read through; None for anything else."""
    return next((kind for start, kind in _CONTAINERS.items() if head.startswith(start)), None)


def foreign(head: bytes) -> tuple[str, str] | None:
    """What a file that is no table is, and what to do about it; None where it may be one."""
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return "a tar archive", _UNPACK
    page = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    for start, named in _FOREIGN.items():
        if head.startswith(start) or (start.startswith(b"<") and page.startswith(start)):
            return named
    return None


def layout(head: bytes, name: str, first_line: bytes, *, alone: bool = False) -> Layout:
    """How a table lies in its bytes.

    Args:
        head: the first bytes.
        name: of the file, whose ending counts where the bytes leave it open.
        first_line: the first line that is not blank, as a whole.
        alone: whether it is the only one, so that an object on it may be a document with rows in it.
    """
    if head.startswith(_PARQUET):
        return Layout(PARQUET)
    # Without its zero bytes, UTF-16 can be looked at like ASCII.
    start = first_line.lstrip(b"\xef\xbb\xbf\xff\xfe").replace(b"\0", b"").strip()
    ending = name.lower().rpartition(".")[2]
    of_json = ending in ("json", "jsonl", "ndjson")
    if start.startswith(b"{") and (of_json or _is_object(start)):
        lines = ending in ("jsonl", "ndjson") or (_is_object(start) and not alone)
        return Layout(JSON_LINES if lines else JSON)
    if of_json or (start.startswith(b"[") and start[1:].lstrip()[:1] in (b"{", b"")):
        return Layout(JSON)
    mark = _delimiter(start, ending)
    between = start.count(mark.encode())
    return Layout(DELIMITED, mark, 0 < between == start.count(f"{mark} ".encode()))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode("utf-8", "replace")), dict)
    except (ValueError, RecursionError):
        return False


def _delimiter(header: bytes, ending: str) -> str:
    """What stands between the names of a header: a comma, unless it has none, or more tabs."""
    tabs, commas = header.count(b"\t"), header.count(b",")
    if tabs and (tabs >= commas or ending in ("tsv", "tab")):
        return "\t"
    if commas:
        return ","
    return next((mark for mark in (";", "|") if mark.encode() in header), ",")
