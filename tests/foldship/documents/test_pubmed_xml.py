from __future__ import annotations

import pytest
from efetch import article, articles
from lxml import etree

from foldship.documents.document import Section
from foldship.documents.pubmed_xml import identity, read


def test_title_and_abstract() -> None:
    assert read(article("7").encode()) == (
        "Title of 7.",
        (Section("abstract", "First of 7. Second of 7."),),
    )


def test_labels_name_sections_and_the_copyright_is_none() -> None:
    abstract = (
        '<AbstractText Label="BACKGROUND" NlmCategory="BACKGROUND">Why.</AbstractText>'
        '<AbstractText Label="RESULTS">What.</AbstractText><AbstractText Label="EMPTY"> </AbstractText>'
        "<AbstractText>And more.</AbstractText>"
    )
    _, sections = read(article("7", abstract=abstract).encode())
    assert [(section.name, section.text) for section in sections] == [
        ("BACKGROUND", "Why."),
        ("RESULTS", "What."),
        ("abstract", "And more."),
    ]


def test_markup_within_words_leaves_them_whole() -> None:
    title = "Of <i>E. coli</i>, CO<sub>2</sub> and 10<sup>-3</sup>\n  mol &lt; 1 &#955;."
    assert read(article("7", title=title).encode())[0] == "Of E. coli, CO2 and 10-3 mol < 1 λ."


def test_an_article_without_abstract_has_its_title() -> None:
    body = article("7").replace("<Abstract>", "<Other>").replace("</Abstract>", "</Other>")
    assert read(body.encode()) == ("Title of 7.", ())


def test_an_abstract_of_others_counts_where_there_is_no_own_and_it_is_in_english() -> None:
    body = article("7").replace("<Abstract>", "<X>").replace("</Abstract>", "</X>")
    for language, found in (("eng", (Section("abstract", "Theirs."),)), ("fre", ())):
        other = f'<OtherAbstract Language="{language}"><AbstractText>Theirs.</AbstractText></OtherAbstract>'
        assert read(body.replace("</MedlineCitation>", f"{other}</MedlineCitation>").encode())[1] == found


def test_a_chapter_of_a_book() -> None:
    body = (
        b"<PubmedBookArticle><BookDocument><PMID>5</PMID><ArticleTitle>Chapter</ArticleTitle><Book>"
        b"<BookTitle>Book</BookTitle></Book><Abstract><AbstractText>Text.</AbstractText></Abstract>"
        b"</BookDocument></PubmedBookArticle>"
    )
    assert read(body) == ("Chapter", (Section("abstract", "Text."),))
    assert identity(etree.fromstring(body)) == "5"
    assert read(body.replace(b"ArticleTitle", b"Other"))[0] == "Book"


def test_the_number_is_the_articles_own() -> None:
    assert identity(etree.fromstring(article("7"))) == "7"
    assert identity(etree.fromstring("<PubmedArticle/>")) == ""


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_what_is_cut_short_is_read_as_far_as_it_goes(share: float) -> None:
    whole = articles(article("7", abstract=f"<AbstractText>{'word ' * 200}</AbstractText>"))
    title, sections = read(whole[: int(len(whole) * share)])
    assert title == "Title of 7."
    assert sections[0].text.startswith("word word")


def test_signs_that_are_no_xml_cost_no_more_than_themselves() -> None:
    body = articles(article("7", abstract="<AbstractText>p < 0.05 & so\x0b on &nbsp; here.</AbstractText>"))
    title, sections = read(body)
    assert title == "Title of 7."
    text = sections[0].text
    assert text.startswith("p") and "so" in text and text.endswith("here.")
