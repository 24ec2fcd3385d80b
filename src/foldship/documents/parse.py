"""From what was fetched to a document, or the reason why not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from foldship.documents import html_page, pubmed_xml
from foldship.documents.addresses import pubmed_id
from foldship.documents.cache import Entry
from foldship.documents.decoding import decode, media_type
from foldship.documents.document import Document, Section, plain

_ARTICLE = re.compile(rb"<Pubmed(Book)?Article[\s>]")
_BINARY = (
    "application/pdf",
    "application/zip",
    "application/octet-stream",
    "audio/",
    "font/",
    "image/",
    "video/",
)
_NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x1a]")  # control characters that no text has
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_START = 2048  # bytes that are looked at
_ALLOWED = 0.05  # share of such characters in a damaged, but readable text
_PARAGRAPHS = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class Unread:
    """A document that could not be read.

    Attributes:
        id, url: as in `Document`.
        reason: in words.
    """

    id: str
    url: str
    reason: str


def parse(entry: Entry, url: str) -> Document | Unread:
    """Read a document; nothing about it raises.

    Args:
        entry: what was fetched.
        url: address that the document goes by.
    """
    if reason := _not_text(entry):
        return Unread(entry.key, url, reason)
    try:
        title, sections = _read(entry)
    except (etree.LxmlError, ValueError) as error:
        return Unread(entry.key, url, f"cannot be read: {plain([str(error)])}")
    if not title and not sections:
        return Unread(entry.key, url, "no title and no text in it")
    return Document(entry.key, url, title, sections)


def _read(entry: Entry) -> tuple[str, tuple[Section, ...]]:
    if _ARTICLE.search(entry.body):
        return pubmed_xml.read(entry.body)
    text = decode(entry.body, entry.kind)
    if media_type(entry.kind) == "text/plain":
        paragraphs = [line for part in _PARAGRAPHS.split(text) if (line := plain([part]))]
        return "", (Section("", "\n\n".join(paragraphs)),) if paragraphs else ()
    return html_page.read(text, abstract_only=pubmed_id(entry.key) is not None)


def _not_text(entry: Entry) -> str:
    """Why a document has no text to read, empty if it may have."""
    start = entry.body[:_START]
    if not start.strip():
        return "empty"
    kind = media_type(entry.kind)
    if kind.startswith(_BINARY) or start.startswith(b"%PDF"):
        return f"{kind or 'a PDF'}, not a page"
    if not start.startswith(_UTF_16) and len(_NO_TEXT.findall(start)) > _ALLOWED * len(start):
        return "not text"
    return ""
