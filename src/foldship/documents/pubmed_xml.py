"""Articles as PubMed's API writes them.

https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html says what the elements are.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from foldship.documents.document import ABSTRACT, Section, plain

ARTICLES = ("PubmedArticle", "PubmedBookArticle")
# Not the ids of the articles that it cites, comments on or corrects.
_IDS = ("MedlineCitation/PMID", "BookDocument/PMID")
_TITLES = (
    "MedlineCitation/Article/ArticleTitle",
    "BookDocument/ArticleTitle",
    "BookDocument/Book/BookTitle",
    "MedlineCitation/Article/VernacularTitle",
)
_ABSTRACTS = (
    "MedlineCitation/Article/Abstract/AbstractText",
    "BookDocument/Abstract/AbstractText",
    "MedlineCitation/OtherAbstract[@Language='eng']/AbstractText",
)


def identity(article: Any) -> str:
    """PubMed's number of an article (digits), empty if it has none."""
    return next((plain([text]) for path in _IDS if (text := article.findtext(path))), "")


def read(body: bytes) -> tuple[str, tuple[Section, ...]]:
    """Title and abstract of the first article; what is broken is read as far as it goes.

    Args:
        body: XML with one of `ARTICLES` in it.

    Returns:
        Title, empty if there is none, and sections, named by their labels; none if there is no abstract.

    Raises:
        lxml.etree.LxmlError, ValueError: it is no XML.
    """
    root = etree.fromstring(body, etree.XMLParser(recover=True, resolve_entities=False, huge_tree=True))
    article = next(root.iter(*ARTICLES), None) if root is not None else None
    if article is None:
        return "", ()
    title = next((text for path in _TITLES if (text := _text(article.find(path)))), "")
    for path in _ABSTRACTS:
        sections = tuple(
            Section(part.get("Label") or ABSTRACT, text)
            for part in article.iterfind(path)
            if (text := _text(part))
        )
        if sections:
            return title, sections
    return title, ()


def _text(element: Any) -> str:
    """An element's text, that of italics and superscripts in it included."""
    return plain(element.itertext()) if element is not None else ""
