"""NCBI's `efetch`, as far as fetching abstracts needs it: answers made up, in the form of the real ones."""

from __future__ import annotations

from web_site import Asked, Reply

PATH = "/eutils/efetch.fcgi"
HEAD = (
    '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC '
    '"-//NLM//DTD PubMedArticle, 1st January 2025//EN" "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)


def article(number: str, title: str = "", abstract: str = "") -> str:
    """An article's element; one that cites another."""
    title = title or f"Title of {number}."
    abstract = abstract or f"<AbstractText>First of {number}. Second of {number}.</AbstractText>"
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">{number}</PMID><Article>'
        f"<ArticleTitle>{title}</ArticleTitle><Abstract>{abstract}<CopyrightInformation>(c) Someone"
        "</CopyrightInformation></Abstract></Article><CommentsCorrectionsList><CommentsCorrections>"
        '<PMID Version="1">999</PMID></CommentsCorrections></CommentsCorrectionsList></MedlineCitation>'
        '<PubmedData><ArticleIdList><ArticleId IdType="doi">10.1/x</ArticleId>'
        f'<ArticleId IdType="pubmed">{number}</ArticleId></ArticleIdList><ReferenceList><Reference>'
        '<ArticleIdList><ArticleId IdType="pubmed">998</ArticleId></ArticleIdList></Reference>'
        "</ReferenceList></PubmedData></PubmedArticle>"
    )


def articles(*parts: str) -> bytes:
    """A whole answer."""
    return f"{HEAD}<PubmedArticleSet>{''.join(parts)}</PubmedArticleSet>\n".encode()


def ids(asked: Asked) -> list[str]:
    return asked.form["id"].split(",")


def xml(body: bytes) -> Reply:
    return Reply(200, body, {"Content-Type": "text/xml; charset=UTF-8"})


class Efetch:
    """Knows all numbers but some.

    Args:
        missing: numbers that do not exist.
        broken: numbers whose articles are no well-formed XML.
        most: more ids than that in one request make an answer too long for the client.
    """

    def __init__(
        self, missing: tuple[str, ...] = (), broken: tuple[str, ...] = (), most: int = 10_000
    ) -> None:
        self._missing, self._broken, self._most = missing, broken, most

    def __call__(self, asked: Asked) -> Reply:
        known = [number for number in ids(asked) if number not in self._missing]
        if not known:
            return Reply(400, b"ID list is empty! Possibly it has no correct IDs.")
        parts = [article(number, "bad <i>&\x0b" if number in self._broken else "") for number in known]
        padding = " " * 2_000_000 if len(known) > self._most else ""
        return xml(articles(*parts, padding))
