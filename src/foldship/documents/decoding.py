"""Bytes to text, whatever they claim to be."""

from __future__ import annotations

import codecs
import re
from email.message import Message

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_META = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{1,40})""", re.I
)
_BEGINNING = 4096  # bytes in which a page declares its encoding


def media_type(kind: str) -> str:
    """A content type without its parameters, as `text/html`; empty if there is none."""
    return kind.partition(";")[0].strip().lower()


def decode(body: bytes, kind: str) -> str:
    """The text of a page; what stands for no character becomes U+FFFD.

    Args:
        body: the page.
        kind: its content type, which may name an encoding.
    """
    for mark, encoding in _MARKS.items():
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    # What is valid UTF-8 by chance is rare, and pages that claim to be something else are not.
    for encoding in ("utf-8", *_declared(body, kind)):
        try:
            return body.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    # What browsers take a page for that says nothing, https://encoding.spec.whatwg.org/#names-and-labels
    return body.decode("cp1252", "replace")


def _declared(body: bytes, kind: str) -> list[str]:
    header = Message()
    header["Content-Type"] = kind
    named = [str(header.get_param("charset") or "")]
    if found := _META.search(body[:_BEGINNING]):
        named.append(found[1].decode("ascii", "ignore"))
    latin = {"iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii"}  # on the web: cp1252
    return ["cp1252" if name.lower() in latin else name for name in named if _is_text(name)]


def _is_text(encoding: str) -> bool:
    """Whether an encoding is known, and one of text: Python also has such as `zlib`."""
    try:
        return bool(encoding) and codecs.lookup(encoding)._is_text_encoding
    except (LookupError, ValueError):
        return False
