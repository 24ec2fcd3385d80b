from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from foldship.config.documents import Cutting
from foldship.documents.document import Document, Section
from foldship.documents.passages import Passage, cut

TWO = Document(
    "pubmed/7",
    "http://example.org",
    "A title. In two parts",
    (Section("METHODS", "One. Two. Three. Four. Five."), Section("RESULTS", "Six. Seven.")),
)


def texts(document: Document, **cutting: object) -> list[str]:
    return [passage.text for passage in cut(document, Cutting.model_validate(cutting))]


def test_passages_overlap_and_stay_in_their_section() -> None:
    assert cut(TWO, Cutting(sentences=3, overlap=1)) == [
        Passage("pubmed/7#0", "pubmed/7", 0, "title", "A title. In two parts"),
        Passage("pubmed/7#1", "pubmed/7", 1, "METHODS", "One. Two. Three."),
        Passage("pubmed/7#2", "pubmed/7", 2, "METHODS", "Three. Four. Five."),
        Passage("pubmed/7#3", "pubmed/7", 3, "RESULTS", "Six. Seven."),
    ]


def test_they_may_leave_it_when_told_and_titles_may_be_left_out() -> None:
    found = cut(TWO, Cutting(sentences=3, overlap=0, across_sections=True, titles=False))
    assert [(passage.section, passage.text) for passage in found] == [
        ("METHODS", "One. Two. Three."),
        ("METHODS", "Four. Five. Six."),
        ("RESULTS", "Seven."),
    ]


def test_the_last_passage_says_something_new() -> None:
    assert texts(TWO, sentences=4, overlap=3, titles=False)[:2] == [
        "One. Two. Three. Four.",
        "Two. Three. Four. Five.",
    ]
    assert texts(TWO, sentences=2, overlap=1, titles=False)[-1] == "Six. Seven."


def test_a_document_that_has_its_title_alone() -> None:
    document = Document("a", "u", "Title", ())
    assert texts(document) == ["Title"]
    assert texts(document, titles=False) == []


@given(
    st.lists(st.integers(1, 12), max_size=4),
    st.integers(1, 6),
    st.data(),
    st.booleans(),
)
def test_every_sentence_is_in_a_passage_in_order(
    lengths: list[int], sentences: int, data: st.DataObject, across: bool
) -> None:
    overlap = data.draw(st.integers(0, sentences - 1))
    numbers = iter(range(1000))
    sections = tuple(
        Section(str(place), " ".join(f"Word{next(numbers)} ends." for _ in range(length)))
        for place, length in enumerate(lengths)
    )
    cutting = Cutting(sentences=sentences, overlap=overlap, across_sections=across)
    found = cut(Document("a", "u", "", sections), cutting)
    assert [passage.place for passage in found] == list(range(len(found)))
    seen = [[word for word in passage.text.split() if word.startswith("Word")] for passage in found]
    covered = list(dict.fromkeys(word for words in seen for word in words))
    assert covered == [f"Word{number}" for number in range(sum(lengths))]
    for words, following in pairwise(seen):
        assert len(words) <= sentences
        assert set(following) - set(words)
        assert across or len(set(words) & set(following)) in (0, overlap)
