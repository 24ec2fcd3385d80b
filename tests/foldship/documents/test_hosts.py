from __future__ import annotations

import asyncio

import pytest
from instant import Instant

from foldship.config.documents import Documents, Limits, Patience
from foldship.documents.hosts import GivenUpError, Host, Hosts

HERE, THERE = "http://here.example/a", "http://there.example/a"


def settings(concurrent: int = 32, **limits: float) -> Documents:
    return Documents(
        limits=Limits.model_validate(limits),
        concurrent=concurrent,
        patience=Patience(give_up_after=3),
    )


async def take(host: Host, begun: list[float], instant: Instant, take_s: float = 0.0) -> None:
    async with host.turn():
        begun.append(instant.now)
        if take_s:
            await instant.time.sleep(take_s)


def test_requests_to_a_host_begin_at_their_distance() -> None:
    instant, begun = Instant(), list[float]()

    async def run() -> None:
        host = Hosts(settings(concurrent=3, per_second=4), instant.time).of(HERE)
        await asyncio.gather(*(take(host, begun, instant) for _ in range(9)))

    asyncio.run(run())
    assert [moment - begun[0] for moment in begun] == pytest.approx([place / 4 for place in range(9)])


def test_an_own_limit_counts_for_its_host_alone() -> None:
    instant = Instant()
    own = Documents(limits=Limits(per_second=1), hosts={"there.example": Limits(per_second=10)})

    async def spent(address: str) -> float:
        host, begun = Hosts(own, instant.time).of(address), list[float]()
        for _ in range(3):
            await take(host, begun, instant)
        return begun[-1] - begun[0]

    assert asyncio.run(spent(HERE)) == pytest.approx(2)
    assert asyncio.run(spent(THERE)) == pytest.approx(0.2)


def test_a_pause_holds_for_all_that_wait() -> None:
    instant, begun = Instant(), list[float]()

    async def run() -> None:
        host = Hosts(settings(per_second=100), instant.time).of(HERE)
        await take(host, begun, instant)
        host.pause(60)
        host.pause(5)  # a shorter one does not end it
        await asyncio.gather(*(take(host, begun, instant) for _ in range(2)))

    asyncio.run(run())
    assert begun[1] - begun[0] == pytest.approx(60)
    assert begun[2] - begun[0] == pytest.approx(60.01)


def test_a_host_is_given_up_after_failures_in_a_row_only() -> None:
    async def run() -> None:
        hosts = Hosts(settings(), Instant().time)
        host = hosts.of(HERE)
        for _ in range(5):  # two in a row are not three
            host.failed("answered 500")
            host.failed("answered 500")
            host.answered()
        async with host.turn():
            pass
        for _ in range(3):
            host.failed("answered 503")
        with pytest.raises(GivenUpError, match="3 failures in a row, the last: answered 503"):
            async with host.turn():
                pass
        async with hosts.of(THERE).turn():
            pass

    asyncio.run(run())


def test_those_in_line_leave_when_the_host_is_given_up_and_leave_their_places_to_others() -> None:
    instant = Instant()

    async def run() -> list[BaseException | None]:
        hosts = Hosts(settings(concurrent=1, per_second=1), instant.time)
        host = hosts.of(HERE)
        begun: list[float] = []
        async with host.turn():
            waiting = [asyncio.create_task(take(host, begun, instant)) for _ in range(20)]
            await asyncio.sleep(0)
            host.give_up("it is down")
        left = await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.wait_for(take(hosts.of(THERE), begun, instant), 5)
        assert len(begun) == 1
        return left

    assert [str(error) for error in asyncio.run(run())] == ["it is down"] * 20


def test_the_limit_for_all_hosts_is_not_held_by_who_waits_for_a_slow_host() -> None:
    instant = Instant()

    async def run() -> list[float]:
        hosts = Hosts(settings(concurrent=1, per_second=0.001), instant.time)
        await take(hosts.of(HERE), [], instant)
        slow = asyncio.create_task(take(hosts.of(HERE), [], instant))
        began = instant.now
        quick: list[float] = []
        await take(hosts.of(THERE), quick, instant)
        await slow
        return [quick[0] - began, instant.now - began]

    at, end = asyncio.run(run())
    assert at == 0 and end == pytest.approx(1000)
