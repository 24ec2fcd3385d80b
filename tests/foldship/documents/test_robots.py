from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from instant import Instant

from foldship.config.documents import Documents, Limits
from foldship.documents.asking import Asker
from foldship.documents.hosts import GivenUpError, Hosts
from foldship.documents.robots import RobotsFiles
from foldship.documents.wire import Answer

SITE = "http://here.example"


class Wire:
    def __init__(self, status: int, text: str = "") -> None:
        self.status, self.text, self.asked = status, text, list[str]()

    async def ask(self, address: str, form: Mapping[str, str] | None = None) -> Answer:
        self.asked.append(address)
        await asyncio.sleep(0)
        return Answer(address, self.status, body=self.text.encode())


def allowed(wire: Wire, instant: Instant, *paths: str) -> list[bool]:
    async def run() -> list[bool]:
        settings = Documents(limits=Limits(per_second=1e6))
        hosts = Hosts(settings, instant.time)
        robots = RobotsFiles(Asker(wire, hosts, settings, instant.time), hosts, 120)
        found = await asyncio.gather(*(robots.allow(SITE + path) for path in paths))
        began = instant.now
        for _ in range(2):
            async with hosts.of(SITE).turn():
                pass
        wire.text = f"{instant.now - began:.0f}"
        return found

    return asyncio.run(run())


def test_rules_are_read_once_and_know_wildcards() -> None:
    wire = Wire(200, "User-agent: *\nDisallow: /private/\nDisallow: /*?report=\nAllow: /private/open")
    paths = ("/a", "/private/b", "/private/open", "/a?report=1")
    assert allowed(wire, Instant(), *paths) == [True, False, True, False]
    assert wire.asked == [f"{SITE}/robots.txt"]


def test_rules_for_this_program_go_before_those_for_all() -> None:
    wire = Wire(200, "User-agent: *\nDisallow: /\n\nUser-agent: foldship\nDisallow: /b")
    assert allowed(wire, Instant(), "/a", "/b") == [True, False]


@pytest.mark.parametrize("status", [404, 401, 403])
def test_without_rules_all_is_allowed(status: int) -> None:
    assert allowed(Wire(status, "User-agent: *\nDisallow: /"), Instant(), "/a") == [True]


def test_rules_that_cannot_be_had_forbid_all_and_are_not_asked_for_again() -> None:
    wire = Wire(500)
    with pytest.raises(GivenUpError, match=r"robots\.txt: answered 500, tried 5 times"):
        allowed(wire, Instant(), "/a", "/b", "/c")
    assert len(wire.asked) == 5


@pytest.mark.parametrize(("told", "kept"), [("7", "7"), ("100000", "120")])
def test_a_crawl_delay_is_kept(told: str, kept: str) -> None:
    wire = Wire(200, f"User-agent: *\nCrawl-delay: {told}")
    allowed(wire, Instant(), "/a")
    assert float(wire.text) == pytest.approx(float(kept), abs=1)
