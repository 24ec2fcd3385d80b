from __future__ import annotations

import push_stage
import pytest

from foldship.pushing.waiting import TooLongError, Waiting


def test_questions_grow_rarer_until_there_is_an_answer() -> None:
    clock, seen = push_stage.Clock(), list[float]()
    answers = iter([None] * 20 + ["ready"])
    waiting = Waiting(first_s=2, longest_s=10, clock=clock, sleep=clock.sleep)
    assert waiting.until(lambda: next(answers), 3600, seen.append) == "ready"
    assert clock.slept[0] == 2 and clock.slept == sorted(clock.slept) and clock.slept[-1] == 10
    assert len(seen) == 20


def test_it_is_given_up_at_the_limit_after_one_last_question() -> None:
    clock, asked = push_stage.Clock(), list[float]()

    def question() -> None:
        asked.append(clock.now)

    with pytest.raises(TooLongError):
        Waiting(first_s=2, longest_s=10, clock=clock, sleep=clock.sleep).until(question, 31, lambda _: None)
    assert asked[-1] == 31
