"""Bytes to text, whatever they claim to be."""

from __future__ import annotations

import codecs
import re
from email.message import Message
from typing import Any

import webencodings

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
        kind: its content type, which may name an encoding, https://encoding.spec.whatwg.org/#names-and-labels
    """
    for mark, encoding in _MARKS.items():
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    # What is valid UTF-8 by chance is rare, and pages that claim to be something else are not.
    for encoding in (webencodings.UTF8, *_declared(body, kind)):
        try:
            return str(encoding.codec_info.decode(body, "strict")[0])
        except UnicodeError:
            continue
    # What browsers take a page for that says nothing.
    return body.decode("cp1252", "replace")


def _declared(body: bytes, kind: str) -> list[Any]:
    """Encodings that its header and the page itself name, among those that the web's standard knows."""
    header = Message()
    header["Content-Type"] = kind
    named = [str(header.get_param("charset") or "")]
    if found := _META.search(body[:_BEGINNING]):
        named.append(found[1].decode("ascii", "ignore"))
    return [encoding for name in named if (encoding := webencodings.lookup(name))]
