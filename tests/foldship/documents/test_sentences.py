from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldship.documents.sentences import spans, split

# Sentences made up for this; each list is one text, joined by spaces.
TEXTS = [
    [
        "We found E. coli in 12 samples (cf. Fig. 2).",
        "Growth differed vs. controls (p < 0.05).",
        "None died.",
    ],
    ["It acts on several targets, e.g. kinases.", "Others, i.e. Phosphatases, are spared."],
    ["Dr. Smith et al. reported otherwise.", "This was seen by J. B. Jones, too."],
    ["Mice were kept by Smith et al. (2010) at 37 degrees C.", "Cells were not."],
    [
        "Patients received 5 mg/kg i.v. twice daily.",
        "The U.S. cohort was smaller.",
        "U.K. Centres took part.",
    ],
    [
        "Staphylococcus spp. was rare.",
        "IL-2 rose 3.5-fold (95% CI 1.2 to 2.3; P = .03).",
        "In vitro it fell.",
    ],
    ["The half-life was approx. 2 h.", "mRNA levels fell.", "pH was 7.4.", "p53 was up."],
    ["Does it work?", "Yes!", "We used buffer No. 5 (Sigma, St. Louis, MO).", "See Sec. 3 and refs. 4-6."],
    ["All took vitamin D.", "The effect was clear in group A.", "Group B had none."],
    ["(They were few.)", '"It works."', "[Figure 1.]", "So it ended."],
    ["1. First point.", "2. Second point."],
    ["They came to the ED.", "Most left on Dec. 3, 2019.", "λ-Synuclein was high.", "≥5 were ill."],
    ["Is it no?", "The answer is no.", "Five agreed.", "It lasted 30 min.", "Kidneys recovered."],
    ["It was used in Ph.D. theses, etc. and in books, etc.", "These were many."],
    ["Values were 0.5 vs. 1.5 (S.D. 0.2).", "It was 2.5 times more… or less."],
]


@pytest.mark.parametrize("sentences", TEXTS, ids=lambda sentences: sentences[0][:20])
def test_sentences_of_biomedical_texts(sentences: list[str]) -> None:
    assert split(" ".join(sentences)) == sentences


def test_blank_lines_end_a_sentence_and_other_line_breaks_do_not() -> None:
    assert split("A heading\n \nOne sentence\nin two lines. next") == [
        "A heading",
        "One sentence\nin two lines. next",
    ]


def test_a_space_that_was_forgotten() -> None:
    assert split("It remains unknown.AIM: To explore (WPBA).The rest of e.g.The kind.") == [
        "It remains unknown.",
        "AIM: To explore (WPBA).",
        "The rest of e.g.The kind.",
    ]
    assert split("See www.Example.org or gene abC.Def now.") == ["See www.Example.org or gene abC.Def now."]


def test_nothing_has_no_sentences() -> None:
    assert split("") == split(" \n\n ") == []


PIECES = st.sampled_from(
    [
        "a",
        "E.",
        "coli",
        "Fig.",
        "2",
        "0.05",
        ". ",
        "? ",
        " ",
        "\n",
        "\n\n",
        ")",
        '"',
        "The",
        "et al.",
        "…",
        "é",
        "mRNA",
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=60).map("".join)))
def test_sentences_hold_all_of_the_text_but_white_space(text: str) -> None:
    found = list(spans(text))
    ends = [0, *(place for span in found for place in span), len(text)]
    assert ends == sorted(ends)
    for gap_begin, gap_end in zip(ends[::2], ends[1::2], strict=True):
        assert not text[gap_begin:gap_end].strip()
    for sentence in split(text):
        assert sentence and sentence == sentence.strip()


@pytest.mark.parametrize(
    "text",
    [
        "." * 100_000 + "x",
        "\n" + " " * 100_000 + "x",
        ")" * 100_000 + ". A",
        "x" * 100_000 + ". A",
        ".) " * 50_000,
    ],
    ids=["stops", "spaces", "closing", "one word", "both"],
)
def test_strange_texts_take_no_more_time_than_others(text: str) -> None:
    began = time.process_time()
    split(text)
    # They took up to 0.1 s; minutes, where each character looked at all others.
    assert time.process_time() - began < 10
