from __future__ import annotations

import pytest

from foldship.documents.document import Section
from foldship.documents.html_page import read

PUBMED = """<!DOCTYPE html><html><head><title>A title - PubMed</title>
<meta name="citation_title" content="A &lt;title&gt;  of E. coli">
</head><body><header><h1>National Library</h1></header><main><h1 class="heading-title">A title</h1>
<div class="abstract" id="abstract"><h2 class="title">Abstract</h2>
<div class="abstract-content selected" id="fre-abstract"><p>En fran&ccedil;ais.</p></div>
<div class="abstract-content" id="eng-abstract">
<p><strong class="sub-title">Background: </strong>Why <i>E.&nbsp;coli</i> grows.</p>
<p><strong class="sub-title"> Results: </strong>It does (10<sup>-3</sup>).</p>
<p>And more.</p></div>
<p><strong class="sub-title">Keywords: </strong>bacteria</p></div>
<div id="similar">Similar articles</div></main></body></html>"""


def test_pubmeds_page_is_its_abstract_in_english() -> None:
    title, sections = read(PUBMED, abstract_only=True)
    assert title == "A <title> of E. coli"
    assert sections == (
        Section("Background", "Why E. coli grows."),
        Section("Results", "It does (10-3)."),
        Section("abstract", "And more."),
    )


def test_pubmeds_page_without_abstract_is_its_title() -> None:
    page = PUBMED.replace("abstract-content", "empty-abstract")
    assert read(page, abstract_only=True) == ("A <title> of E. coli", ())


def test_any_page_is_its_main_text_cut_at_headings() -> None:
    page = """<html><head><title>Site | A page</title><style>p {color: red}</style></head><body>
    <nav>Home <a href="/">Menu</a></nav><div><h1>A page</h1><p>First <b>bold</b>word,<br>next line.</p>
    <script>var text = "<p>not text</p>";</script>
    Bare text<!-- no comment --> goes on.
    <h2>Methods</h2><ul><li>One</li><li>Two</li></ul><table><tr><td>a</td><td>b</td></tr></table>
    <h2>Nothing</h2><h2>End</h2><p>Last.</p></div><footer>Contact</footer></body></html>"""
    title, sections = read(page, abstract_only=False)
    assert title == "A page"
    assert sections == (
        Section("A page", "First boldword,\n\nnext line.\n\nBare text goes on."),
        Section("Methods", "One\n\nTwo\n\na\n\nb"),
        Section("End", "Last."),
    )


@pytest.mark.parametrize(
    "frame",
    ["<main>{}</main>", '<div role="main">{}</div>', "<article>{}</article>"],
)
def test_the_main_part_counts_where_it_is_marked(frame: str) -> None:
    page = f"<body><div>Advertising</div>{frame.format('<p>Text.</p>')}<div>More of it</div></body>"
    assert read(page, abstract_only=False)[1] == (Section("", "Text."),)


def test_several_articles_are_a_list_not_the_main_part() -> None:
    page = "<body><article><p>One.</p></article><article><p>Two.</p></article></body>"
    assert read(page, abstract_only=False)[1] == (Section("", "One.\n\nTwo."),)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>Never closed <b>bold <i>both</b> end", "Never closed bold both end"),
        ("<html><body><p>Cut in a tag</p><a href='http://exa", "Cut in a tag"),
        ("</div></p>Text</body></html><p>after it all", "Text\n\nafter it all"),
        ("no tags at all", "no tags at all"),
        ("<?xml version='1.0' encoding='utf-16'?><html><body><p>λ</p></body></html>", "λ"),
        ("<p>a\0b</p>", "ab"),
        ("<p>&#xD800; &#0; &bogus; &amp</p>", "\ufffd \ufffd &bogus; &"),
    ],
)
def test_broken_pages_are_read_as_a_browser_would(page: str, text: str) -> None:
    _, sections = read(page, abstract_only=False)
    assert "\n\n".join(section.text for section in sections) == text


def test_a_page_as_deep_as_it_likes_does_not_break_it() -> None:
    title, sections = read(f"<title>Deep</title><body>{'<div>' * 20_000}text", abstract_only=False)
    assert title == "Deep"
    assert sections in ((), (Section("", "text"),))


def test_a_page_without_anything() -> None:
    assert read("<html></html>", abstract_only=False) == ("", ())
