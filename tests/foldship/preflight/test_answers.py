from __future__ import annotations

from collections.abc import Iterator

import pytest

from foldship.preflight import Answers, Finding, RefusedError, note, refusal
from foldship_kernel.errors import FoldshipError


def question(*findings: Finding, end: FoldshipError | None = None) -> Iterator[Finding]:
    yield from findings
    if end:
        raise end


def test_all_is_asked_before_any_is_shown() -> None:
    answers, said = Answers(), list[str]()
    assert not answers.ask(question, refusal("one", fix="mend one"))
    assert answers.ask(question, note("by the way"))
    assert not answers.ask(question, end=FoldshipError("two"))
    with pytest.raises(RefusedError) as refused:
        answers.conclude(said.append)
    assert said == ["note: by the way"]
    assert [error.what for error in refused.value.errors] == ["one", "two"]
    assert str(refused.value).split("\n\n") == [
        "one\n  fix:      mend one",
        "error: two",
        "error: nothing was begun: mend these 2, and run the same command again",
    ]


def test_a_single_refusal_is_raised_as_it_is_and_the_same_one_counts_once() -> None:
    answers, error = Answers(), FoldshipError("no file")

    def read() -> str:
        raise error

    assert answers.of(read) is None
    assert answers.of(read) is None
    with pytest.raises(FoldshipError) as refused:
        answers.conclude(print)
    assert refused.value is error


def test_where_nothing_is_refused_what_a_function_returns_is_handed_on() -> None:
    answers = Answers()
    assert answers.of(len, [1, 2]) == 2
    answers.conclude(print)
