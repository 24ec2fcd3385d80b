"""PubMed's abstracts, many in one request: NCBI's E-utility `efetch`.

https://www.ncbi.nlm.nih.gov/books/NBK25499/ describes the request, NBK25497 what is polite.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from lxml import etree

from foldship.config.documents import Documents
from foldship.documents.addresses import pubmed_id
from foldship.documents.pubmed_xml import ARTICLES, identity
from foldship.documents.sources import GONE, Piece, Request, Target
from foldship.documents.wire import Answer

KEY = "NCBI_API_KEY"  # environment variable: a key must not be in a file of settings
XML = "application/xml; charset=utf-8"
_BEGINS = re.compile(rb"<PubmedArticleSet\b")
_ENDS = re.compile(rb"(</PubmedArticleSet>|<PubmedArticleSet\s*/>)\s*\Z")


class PubMed:
    """Abstracts by number.

    Args:
        settings: address, size of a batch, contact.
    """

    # An id that is none is answered with 400 when it stands alone.
    absent = GONE | {400}
    # robots.txt is for crawlers of pages; whoever uses the API keeps to its own terms.
    robots = False

    def __init__(self, settings: Documents) -> None:
        self._address = f"{settings.eutils.rstrip('/')}/efetch.fcgi"
        self._batch = settings.batch
        self._form = {"db": "pubmed", "retmode": "xml", "tool": "foldship"}
        if settings.contact and "@" in settings.contact:
            self._form["email"] = settings.contact
        if key := os.environ.get(KEY):
            self._form["api_key"] = key

    def takes(self, target: Target) -> bool:
        return pubmed_id(target.key) is not None

    def requests(self, targets: Sequence[Target]) -> list[Request]:
        """Posted, as NCBI asks for where there are many ids; so the key is in no address either."""
        batches = (targets[start : start + self._batch] for start in range(0, len(targets), self._batch))
        return [
            Request(
                self._address,
                tuple(batch),
                {**self._form, "id": ",".join(str(pubmed_id(target.key)) for target in batch)},
            )
            for batch in batches
        ]

    def trouble(self, answer: Answer) -> str:
        """Errors come with status 200, too, as another document or as one cut short."""
        if not _BEGINS.search(answer.body):
            return "an answer without articles"
        return "" if _ENDS.search(answer.body) else "an answer cut short"

    def split(self, request: Request, answer: Answer) -> dict[str, Piece | None] | None:
        one = len(request.targets) == 1
        try:
            root = etree.fromstring(answer.body, etree.XMLParser(resolve_entities=False, huge_tree=True))
        except (etree.XMLSyntaxError, ValueError):
            # One bad article must not spoil the batch. Alone it is kept as it is: it can still be read.
            return {request.targets[0].key: Piece(XML, answer.body)} if one else None
        found = {identity(article): article for article in root if article.tag in ARTICLES}
        return {
            target.key: None if article is None else Piece(XML, etree.tostring(article, encoding="utf-8"))
            for target in request.targets
            for article in [found.get(str(pubmed_id(target.key)))]
        }
