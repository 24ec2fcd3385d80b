"""How the characters of a table lie in its bytes. Standard library only."""

from __future__ import annotations

import codecs

from foldship_kernel.errors import DataError

UTF8 = "utf-8"
_MARKS = {  # the longer ones first: that of UTF-32 begins like that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Share of the bytes at even, or at odd, places that are zero in UTF-16 without a mark. Texts in Latin
# letters have nearly all of them there, and plain files have none.
_ZEROS = 0.3


def of(head: bytes, named: str) -> str:
    """The encoding of a file: what its byte order mark says, else the one that was named.

    Args:
        head: the first bytes.
        named: as Python names it.
    """
    return next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), named)


def guess(head: bytes, known: str) -> str:
    """The encoding of a file that may be UTF-16 without a byte order mark.

    Args:
        head: the first bytes.
        known: as `of` gives it.
    """
    if known.lower().replace("_", "-").startswith(("utf-16", "utf-32")):
        return known
    low, high = head[::2].count(0) * 2, head[1::2].count(0) * 2
    if max(low, high) < _ZEROS * len(head) or min(low, high) > max(low, high) / 2:
        return known
    return "utf-16-le" if high > low else "utf-16-be"


def is_text(name: str) -> bool:
    """Whether Python knows an encoding of texts by this name."""
    try:
        return codecs.lookup(name)._is_text_encoding  # else bytes are made of bytes, as by base64
    except LookupError:
        return False


def wrong(where: str, encoding: str, error: UnicodeError) -> DataError:
    """What to say of a file that is in another encoding than it should be."""
    found = str(error)
    if isinstance(error, UnicodeDecodeError):
        found = f"byte 0x{error.object[error.start]:02x}: {error.reason}"
    name = encoding.upper().removesuffix("-SIG")
    return DataError(
        f"{where}: not {name} text",
        found=found,
        fix="save the file as UTF-8, or name its encoding in competition.yaml, as files: {encoding: ...}",
    )
