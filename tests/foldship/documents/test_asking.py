from __future__ import annotations

import asyncio
from collections.abc import Mapping
from email.utils import formatdate

import pytest
from instant import Instant

from foldship.config.documents import Documents, Limits, Patience
from foldship.documents.asking import Asker
from foldship.documents.hosts import GivenUpError, Hosts
from foldship.documents.wire import Answer, BrokenError, RefusedError

A, B, C = "http://here.example/a", "http://here.example/b", "http://there.example/c"
FAST = Limits(concurrent=2, per_second=1e6)


class Script:
    """A wire that answers from a list for each address, and then with 200."""

    def __init__(self, **answers: list[Answer | Exception]) -> None:
        self.answers, self.asked = answers, list[str]()

    async def ask(self, address: str, form: Mapping[str, str] | None = None) -> Answer:
        self.asked.append(address)
        left = self.answers.get(address[-1], [])
        answer = left.pop(0) if left else Answer(address, 200, body=b"done")
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(status: int, address: str = A, **more: str) -> Answer:
    return Answer(address, status, **more)  # type: ignore[arg-type]


def asker(wire: Script, instant: Instant, **patience: float) -> Asker:
    settings = Documents(limits=FAST, patience=Patience.model_validate(patience), redirects=3)
    return Asker(wire, Hosts(settings, instant.time), settings, instant.time)


def ask(wire: Script, instant: Instant, **patience: float) -> Answer:
    async def run() -> Answer:
        return await asker(wire, instant, **patience).ask(A)

    return asyncio.run(run())


def waits(instant: Instant) -> list[float]:
    """Those that are more than the distance of two requests."""
    return [seconds for seconds in instant.slept if seconds > 1e-3]


@pytest.mark.parametrize(
    "trouble",
    [BrokenError("no answer in time"), answer(500), answer(502), answer(503), answer(429), answer(408)],
)
def test_what_may_pass_is_tried_again_after_waits_that_double(trouble: Answer | Exception) -> None:
    wire, instant = Script(a=[trouble] * 4), Instant()
    assert ask(wire, instant, first_s=1).body == b"done"
    assert len(wire.asked) == 5
    assert waits(instant) == pytest.approx([1, 2, 4, 8], abs=1e-3)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_what_will_not_pass_is_asked_once(status: int) -> None:
    wire, instant = Script(a=[answer(status)]), Instant()
    assert ask(wire, instant).status == status
    assert wire.asked == [A] and not waits(instant)


def test_patience_ends() -> None:
    wire, instant = Script(a=[answer(500)] * 9), Instant()
    with pytest.raises(GivenUpError, match="answered 500, tried 3 times"):
        ask(wire, instant, attempts=3)
    assert len(wire.asked) == 3


@pytest.mark.parametrize("status", [429, 503, 500])
def test_retry_after_is_waited_for_by_the_whole_host(status: int) -> None:
    instant = Instant()
    wire = Script(a=[answer(status, retry_after="50")])

    async def run() -> None:
        one = asker(wire, instant)
        await asyncio.gather(one.ask(A), one.ask(B))

    asyncio.run(run())
    assert wire.asked[0] == A
    assert waits(instant)[0] == pytest.approx(50, abs=1e-3)


def test_retry_after_may_be_a_date() -> None:
    instant = Instant()
    ask(Script(a=[answer(429, retry_after=formatdate(instant.today + 70, usegmt=True))]), instant)
    assert sum(waits(instant)) == pytest.approx(70, abs=1)


def test_a_host_that_asks_for_too_long_a_wait_is_left_alone() -> None:
    wire, instant = Script(a=[answer(503, retry_after="86400")]), Instant()
    with pytest.raises(GivenUpError, match="answered 503, asks to come back in 86400 s"):
        ask(wire, instant, longest_s=120)
    assert len(wire.asked) == 1 and not waits(instant)


def test_a_crowded_host_is_let_alone_by_all_also_where_it_names_no_time() -> None:
    instant = Instant()
    wire = Script(a=[answer(429)])

    async def run() -> float:
        one = asker(wire, instant, first_s=8)
        await one.ask(A)
        return instant.now

    assert asyncio.run(run()) - 100 == pytest.approx(8, abs=1e-3)


def test_a_dead_host_is_given_up_while_another_goes_on() -> None:
    instant = Instant()
    wire = Script(a=[BrokenError("refused")] * 99, b=[BrokenError("refused")] * 99)

    async def run() -> list[Answer | BaseException]:
        one = asker(wire, instant, give_up_after=4, attempts=9)
        return await asyncio.gather(one.ask(A), one.ask(B), one.ask(C), return_exceptions=True)

    first, second, other = asyncio.run(run())
    assert isinstance(first, GivenUpError) and isinstance(second, GivenUpError)
    assert "4 failures in a row, the last: refused" in str(first)
    assert isinstance(other, Answer) and other.status == 200
    assert len(wire.asked) - 1 <= 4 + FAST.concurrent - 1


def test_redirects_are_followed_in_turn_with_their_host() -> None:
    wire = Script(a=[answer(301, location="/b")], b=[answer(302, B, location=C)])
    assert ask(wire, Instant()).address == C
    assert wire.asked == [A, B, C]


@pytest.mark.parametrize("location", [None, "", "ftp://here.example/x", "javascript:0", "http://[x"])
def test_a_redirect_to_nowhere_is_refused(location: str | None) -> None:
    with pytest.raises(RefusedError):
        ask(Script(a=[Answer(A, 302, location=location)]), Instant())


def test_a_loop_of_redirects_ends() -> None:
    wire = Script(a=[answer(302, location="/a")] * 99)
    with pytest.raises(RefusedError, match="more than 3 redirects"):
        ask(wire, Instant())
    assert len(wire.asked) == 4


def test_what_is_posted_goes_to_no_other_host() -> None:
    wire, instant = Script(a=[answer(307, location=C)]), Instant()

    async def run() -> Answer:
        return await asker(wire, instant).ask(A, {"api_key": "secret"})

    with pytest.raises(RefusedError, match="another host"):
        asyncio.run(run())
    assert wire.asked == [A]


def test_an_error_behind_status_200_is_tried_again() -> None:
    wire, instant = Script(a=[answer(200)]), Instant()

    async def run() -> Answer:
        return await asker(wire, instant).ask(A, trouble=lambda got: "" if got.body else "empty")

    assert asyncio.run(run()).body == b"done"
    assert len(wire.asked) == 2
