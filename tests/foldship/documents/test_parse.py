from __future__ import annotations

import gzip

import pytest
from efetch import article, articles
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship.documents.cache import Entry
from foldship.documents.document import Document, Section
from foldship.documents.parse import Unread, parse

URL = "http://example.org/a"
PAGE = "<html><head><title>T</title></head><body><h1>T</h1><p>Text of it.</p></body></html>"


def entry(body: bytes | str, kind: str = "text/html", key: str = "example.org/a") -> Entry:
    raw = body.encode() if isinstance(body, str) else body
    return Entry(key, URL, URL, 200, kind, 0.0, raw)


def test_a_page() -> None:
    found = parse(entry(PAGE), "http://EXAMPLE.org/a/")
    assert found == Document("example.org/a", "http://EXAMPLE.org/a/", "T", (Section("T", "Text of it."),))


@pytest.mark.parametrize("body", [article("7").encode(), articles(article("7"))])
def test_an_article_by_itself_or_in_its_set(body: bytes) -> None:
    found = parse(entry(body, "application/xml", "pubmed/7"), URL)
    assert isinstance(found, Document)
    assert (found.title, found.sections[0].text) == ("Title of 7.", "First of 7. Second of 7.")


def test_a_plain_text_keeps_its_paragraphs() -> None:
    found = parse(entry("One\nline.\n\n \nTwo <b>.", "text/plain; charset=utf-8"), URL)
    assert isinstance(found, Document)
    assert found.sections == (Section("", "One line.\n\nTwo <b>."),)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"", "text/html", "empty"),
        (b" \n\t ", "text/html", "empty"),
        (b"%PDF-1.7 ...", "text/html", "text/html, not a page"),
        (b"%PDF-1.7 ...", "", "a PDF, not a page"),
        (b"GIF89a", "image/gif", "image/gif, not a page"),
        (bytes(range(256)) * 20, "text/html", "not text"),
        (gzip.compress(PAGE.encode() * 50), "text/html", "not text"),
        (b"<html><body><script>1</script></body></html>", "text/html", "no title and no text in it"),
        (b"<!-- only this -->", "text/html", ""),
    ],
)
def test_what_is_no_document_has_a_reason(body: bytes, kind: str, reason: str) -> None:
    found = parse(entry(body, kind), URL)
    assert isinstance(found, Unread)
    assert (found.id, found.url) == ("example.org/a", URL)
    assert reason in found.reason and found.reason


def test_pages_in_other_encodings_are_text() -> None:
    for encoding in ("utf-16", "utf-8-sig", "cp1252"):
        found = parse(entry(PAGE.encode(encoding)), URL)
        assert isinstance(found, Document) and found.title == "T"


KINDS = st.sampled_from(["text/html", "application/xml", "text/plain", "", "text/html; charset=utf-16", "?"])
SAMPLES = [PAGE.encode(), articles(article("7")), PAGE.encode("utf-16"), b"<PubmedArticle>"]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SAMPLES), st.data(), KINDS, st.sampled_from(["pubmed/7", "example.org/a"]))
def test_whatever_happens_to_a_document_it_is_one_or_has_a_reason(
    sample: bytes, data: st.DataObject, kind: str, key: str
) -> None:
    begin = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(begin, len(sample)))
    noise = data.draw(st.binary(max_size=30))
    for body in (sample[:begin] + noise + sample[end:], noise, sample[begin:end]):
        found = parse(entry(body, kind, key), URL)
        if isinstance(found, Unread):
            assert found.reason
        else:
            assert found.title or found.sections
            assert all(section.text.strip() for section in found.sections)
            for text in (found.title, *(part.text for part in found.sections)):
                text.encode()  # no half characters
