from __future__ import annotations

import pytest
from efetch import article, articles

from foldship.config.documents import Documents
from foldship.documents.eutils import KEY, PubMed
from foldship.documents.sources import Target
from foldship.documents.wire import Answer

TARGETS = [
    Target(f"pubmed/{number}", f"http://www.ncbi.nlm.nih.gov/pubmed/{number}") for number in (11, 12, 13)
]


def answered(body: bytes) -> Answer:
    return Answer("http://x.example", 200, body=body)


def test_numbers_go_out_in_batches_and_the_key_in_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "secret")
    source = PubMed(Documents(batch=2, contact="me@example.org", eutils="http://x.example/e/"))
    first, second = source.requests(TARGETS)
    assert first.address == second.address == "http://x.example/e/efetch.fcgi"
    assert first.form == {
        "db": "pubmed",
        "retmode": "xml",
        "tool": "foldship",
        "email": "me@example.org",
        "api_key": "secret",
        "id": "11,12",
    }
    assert second.form is not None and second.form["id"] == "13"
    assert (*first.targets, *second.targets) == tuple(TARGETS)


def test_a_page_as_contact_is_no_address_of_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    (request,) = PubMed(Documents(contact="https://example.org/me")).requests(TARGETS[:1])
    assert set(request.form or {}) == {"db", "retmode", "tool", "id"}


def test_it_takes_pubmed_alone() -> None:
    source = PubMed(Documents())
    assert source.takes(TARGETS[0])
    assert not source.takes(Target("example.org/pubmed/11", "http://example.org/pubmed/11"))


def test_articles_are_found_by_their_own_number_in_any_order() -> None:
    source = PubMed(Documents())
    (request,) = source.requests(TARGETS)
    pieces = source.split(request, answered(articles(article("13"), article("11"))))
    assert pieces is not None
    assert pieces["pubmed/12"] is None
    for number in ("11", "13"):
        piece = pieces[f"pubmed/{number}"]
        assert piece is not None and piece.body.decode() == article(number)


def test_books_are_articles_and_deleted_ones_are_not() -> None:
    source = PubMed(Documents())
    book = "<PubmedBookArticle><BookDocument><PMID>11</PMID></BookDocument></PubmedBookArticle>"
    body = articles(book, "<DeleteCitation><PMID>12</PMID></DeleteCitation>")
    pieces = source.split(source.requests(TARGETS[:2])[0], answered(body))
    assert pieces is not None
    assert pieces["pubmed/11"] is not None and pieces["pubmed/12"] is None


def test_a_batch_that_is_no_xml_is_for_smaller_requests_and_one_article_is_kept() -> None:
    source = PubMed(Documents())
    broken = articles(article("11", "a < b &"))
    assert source.split(source.requests(TARGETS)[0], answered(broken)) is None
    alone = source.split(source.requests(TARGETS[:1])[0], answered(broken))
    assert alone is not None
    piece = alone["pubmed/11"]
    assert piece is not None and piece.body == broken


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        (articles(article("11")), ""),
        (b"<PubmedArticleSet></PubmedArticleSet>", ""),
        (b"<PubmedArticleSet/>\n", ""),
        (articles(article("11"))[:-30], "cut short"),
        (b"", "without articles"),
        (b'{"error":"API rate limit exceeded"}', "without articles"),
        (b"<eFetchResult><ERROR>Unable to obtain query</ERROR></eFetchResult>", "without articles"),
        (b"<html>Under maintenance</html>", "without articles"),
    ],
)
def test_errors_behind_status_200_are_told(body: bytes, trouble: str) -> None:
    found = PubMed(Documents()).trouble(answered(body))
    assert trouble in found and bool(found) == bool(trouble)


def test_entities_are_not_read_from_files(tmp_path: object) -> None:
    source = PubMed(Documents())
    evil = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><PubmedArticleSet>'
    evil += article("11", "&a;").encode() + b"</PubmedArticleSet>"
    pieces = source.split(source.requests(TARGETS[:1])[0], answered(evil))
    assert pieces is not None
    piece = pieces["pubmed/11"]
    assert piece is not None and b"<ArticleTitle>&a;</ArticleTitle>" in piece.body
