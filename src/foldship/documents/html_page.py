"""Pages: PubMed's, and any other by its main text."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from foldship.documents.document import ABSTRACT, Section, plain

_NOT_TEXT = "head script style noscript template svg nav header footer aside form button select iframe"
_PARTS = """
address article blockquote body br caption center dd div dl dt fieldset figcaption figure hr li main ol p pre
section table tbody td th thead tr ul
"""
_SKIPPED = frozenset(_NOT_TEXT.split())
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = _HEADINGS | frozenset(_PARTS.split())
# The parser drops all that follows these; browsers take no notice of them.
_END = re.compile(r"</(body|html)\s*>|\0", re.IGNORECASE)
_MAIN = ("//main", "//*[@role='main']", "//article[count(//article) = 1]")
_TITLES = ("//meta[@name='citation_title']/@content", "//h1", "//title")
_ABSTRACT = "//div[contains(concat(' ', normalize-space(@class), ' '), ' abstract-content ')]"


def read(text: str, *, abstract_only: bool) -> tuple[str, tuple[Section, ...]]:
    """Title and sections of a page; what is broken is read as a browser would.

    Args:
        text: the page.
        abstract_only: it is one of PubMed's, whose other text is not the document's.

    Returns:
        Title, empty if there is none, and sections, named by their headings.

    Raises:
        lxml.etree.LxmlError, ValueError: there is nothing to read.
    """
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    # As bytes, since a declaration in the text could contradict what it is decoded to.
    root = etree.fromstring(_END.sub("", text).encode("utf-8", "replace"), parser)
    if root is None:
        return "", ()
    title = next((found for path in _TITLES for node in root.xpath(path) if (found := _line(node))), "")
    sections = _abstract(root)
    if not sections and not abstract_only:
        sections = _main(root)
    return title, sections


def _abstract(root: Any) -> tuple[Section, ...]:
    """The abstract in English, or the first, as PubMed marks it."""
    found = root.xpath(f"{_ABSTRACT}[@id='eng-abstract']") or root.xpath(_ABSTRACT)
    sections = []
    for paragraph in found[0].iter("p") if found else ():
        label = next(paragraph.iterfind("strong[@class='sub-title']"), None)
        name = _line(label).rstrip(" :") if label is not None else ""
        text = _line(paragraph)
        if label is not None:
            text = text.removeprefix(_line(label)).lstrip(" :")
        if text:
            sections.append(Section(name or ABSTRACT, text))
    return tuple(sections)


def _main(root: Any) -> tuple[Section, ...]:
    """All text of the page's main part, without menus and forms, cut at its headings."""
    part = next((node for path in _MAIN for node in root.xpath(path)), root)
    name, paragraphs, line = "", list[str](), list[str]()
    sections: list[Section] = []

    def end_paragraph() -> str:
        text = plain(line)
        line.clear()
        return text

    def end_section() -> None:
        if paragraphs:
            sections.append(Section(name, "\n\n".join(paragraphs)))
            paragraphs.clear()

    walk = etree.iterwalk(part, events=("start", "end"))
    for event, node in walk:
        begins = event == "start"
        if node.tag in _BLOCKS and (text := end_paragraph()):
            if node.tag in _HEADINGS and not begins:
                end_section()
                name = text
            else:
                paragraphs.append(text)
        if begins and node.tag in _SKIPPED:
            walk.skip_subtree()
        elif begins:
            line.append(node.text or "")
        if not begins and node is not part:
            line.append(node.tail or "")
    if text := end_paragraph():
        paragraphs.append(text)
    end_section()
    return tuple(sections)


def _line(node: Any) -> str:
    """An attribute's text, or all of an element's, on one line."""
    return plain([node] if isinstance(node, str) else node.itertext())
