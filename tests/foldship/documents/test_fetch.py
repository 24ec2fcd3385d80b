from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from efetch import PATH, Efetch, ids
from instant import Instant
from web_site import Asked, Reply, Site, page

from foldship.config.documents import Documents, Limits, Patience, Timeouts
from foldship.documents.addresses import key_of
from foldship.documents.cache import Cache
from foldship.documents.fetch import DAY_S, fetch
from foldship.documents.report import FetchReport, Outcome
from foldship_kernel.errors import FoldshipError

FAST = Limits(concurrent=4, per_second=1e6)


def settings(**more: Any) -> Documents:
    chosen: dict[str, Any] = {
        "limits": FAST,
        "robots": False,
        "timeouts": Timeouts(connect_s=5, read_s=0.3, total_s=5),
        "patience": Patience(attempts=3, first_s=1),
    }
    return Documents(**{**chosen, **more})


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        yield made


@pytest.fixture
def instant() -> Instant:
    return Instant()


class Job:
    """Fetches into one cache, in a time of its own."""

    def __init__(self, folder: Path, instant: Instant) -> None:
        self.folder, self.instant = folder, instant

    def __call__(self, *urls: str, **more: Any) -> FetchReport:
        return fetch(urls, self.folder, settings(**more), time=self.instant.time)


@pytest.fixture
def job(tmp_path: Path, instant: Instant) -> Job:
    return Job(tmp_path / "cache", instant)


def outcomes(report: FetchReport) -> list[str]:
    return [str(result.outcome) for result in report.results]


def test_the_report_is_in_the_order_of_the_addresses_and_a_document_is_fetched_once(
    site: Site, job: Job
) -> None:
    site.replies = {"/slow": [page("slow", delay_s=0.2)], "/quick": [page("quick")]}
    urls = [site.url(path) for path in ("/slow", "/quick", "/gone", "/quick/", "/slow#top")] + ["no address"]
    report = job(*urls)
    assert [result.url for result in report.results] == urls
    assert outcomes(report) == ["fetched", "fetched", "not found", "fetched", "fetched", "refused"]
    assert site.count() == {"/slow": 1, "/quick": 1, "/gone": 1}
    assert report.requests == 3
    assert report.counts == {
        Outcome.FETCHED: 2,
        Outcome.CACHED: 0,
        Outcome.ABSENT: 1,
        Outcome.REFUSED: 1,
        Outcome.GAVE_UP: 0,
    }
    entry = Cache(job.folder).get(str(key_of(urls[0])))
    assert entry is not None and b"Text of slow." in entry.body
    assert entry.url == entry.final == urls[0]


def test_what_is_there_is_not_asked_for_again(site: Site, job: Job) -> None:
    site.replies["/a"] = [page("a")]
    job(site.url("/a"), site.url("/gone"))
    again = job(site.url("/a"), site.url("/gone"))
    assert outcomes(again) == ["from cache", "not found"]
    assert again.requests == 0 and again.complete
    assert site.count() == {"/a": 1, "/gone": 1}


@pytest.mark.parametrize("status", [404, 410])
def test_what_does_not_exist_is_asked_for_again_after_a_time(
    site: Site, job: Job, instant: Instant, status: int
) -> None:
    site.replies["/late"] = [Reply(status), page("late")]
    assert outcomes(job(site.url("/late"))) == ["not found"]
    instant.today += 29 * DAY_S
    assert outcomes(job(site.url("/late"))) == ["not found"]
    instant.today += 2 * DAY_S
    assert outcomes(job(site.url("/late"))) == ["fetched"]
    assert site.count() == {"/late": 2}


def test_a_refusal_is_asked_once_a_run_but_not_remembered(site: Site, job: Job) -> None:
    site.replies["/a"] = [Reply(403), page("a")]
    (refused,) = job(site.url("/a")).results
    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "answered 403")
    assert site.count() == {"/a": 1}
    assert outcomes(job(site.url("/a"))) == ["fetched"]


def test_servers_recover(site: Site, job: Job, instant: Instant) -> None:
    site.replies = {
        "/busy": [Reply(503), Reply(500), page("busy")],
        "/full": [Reply(429, headers={"Retry-After": "33"}), page("full")],
        "/silent": [Reply(hang=True), page("silent")],
        "/dropped": [Reply(drop=True), page("dropped")],
        "/half": [Reply(200, b"<p>half", announce=9000), page("half")],
    }
    report = job(*(site.url(path) for path in site.replies), patience=Patience(attempts=4, give_up_after=99))
    assert outcomes(report) == ["fetched"] * 5
    assert any(seconds == pytest.approx(33, abs=1) for seconds in instant.slept)
    entry = Cache(job.folder).get(str(key_of(site.url("/half"))))
    assert entry is not None and b"Text of half." in entry.body


def test_what_did_not_come_is_told_and_the_next_run_tries_again(site: Site, job: Job) -> None:
    site.replies = {"/down": [Reply(500)] * 3 + [page("down")], "/a": [page("a")]}
    report = job(site.url("/down"), site.url("/a"))
    assert outcomes(report) == ["gave up", "fetched"]
    assert report.results[0].reason == "answered 500, tried 3 times"
    assert not report.complete
    assert outcomes(job(site.url("/down"), site.url("/a"))) == ["fetched", "from cache"]


def test_a_dead_host_does_not_hold_up_another(site: Site, job: Job) -> None:
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{dead.getsockname()[1]}"
        urls = [f"http://{host}/{place}" for place in range(50)]
        site.replies = {f"/{place}": [page("a")] for place in range(50)}
        report = job(
            *urls, *(site.url(path) for path in site.replies), patience=Patience(attempts=3, give_up_after=6)
        )
    assert outcomes(report) == ["gave up"] * 50 + ["fetched"] * 50
    assert "6 failures in a row" in report.results[49].reason
    # Requests under way when the host is given up end as they may.
    assert report.requests <= 50 + 6 + FAST.concurrent - 1


def test_limits_at_once_hold_for_each_host_and_for_all(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        return page(asked.path, delay_s=0.02)

    with Site() as one, Site("127.0.0.2") as other:
        paths = [f"/{place}" for place in range(24)]
        for site in (one, other):
            site.replies = dict.fromkeys(paths, answer)
        urls = [site.url(path) for path in paths for site in (one, other)]
        hosts = {other.name: Limits(concurrent=2, per_second=1e6)}
        report = fetch(urls, tmp_path, settings(hosts=hosts))
        assert outcomes(report) == ["fetched"] * 48
        assert 1 < one.at_once <= 4 and 1 < other.at_once <= 2
        one.at_once = other.at_once = 0
        fetch([f"{url}?again" for url in urls], tmp_path, settings(hosts=hosts, concurrent=1))
        assert one.at_once + other.at_once <= 2 and max(one.at_once, other.at_once) == 1


def test_a_redirect_leads_to_another_hosts_line(site: Site, job: Job) -> None:
    with Site("127.0.0.2") as other:
        site.replies = {
            "/a": [Reply(302, headers={"Location": other.url("/b")})],
            "/loop": [Reply(302, headers={"Location": "/loop"})],
        }
        other.replies["/b"] = [page("b")]
        report = job(site.url("/a"), site.url("/loop"))
        assert outcomes(report) == ["fetched", "refused"]
        assert report.results[1].reason == "more than 5 redirects"
        entry = Cache(job.folder).get(str(key_of(site.url("/a"))))
        assert entry is not None and entry.final == other.url("/b")


def test_robots_txt_is_heeded_where_a_redirect_leads_too(site: Site, job: Job) -> None:
    with Site("127.0.0.2") as other:
        other.replies = {"/robots.txt": [Reply(200, b"User-agent: *\nDisallow: /closed")]}
        site.replies = {"/a": [page("a")], "/b": [Reply(301, headers={"Location": other.url("/closed/b")})]}
        report = job(site.url("/a"), site.url("/b"), robots=True)
        assert outcomes(report) == ["fetched", "refused"]
        assert report.results[1].reason == "robots.txt forbids it"
        assert other.count() == {"/robots.txt": 1}
        assert site.count() == {"/robots.txt": 1, "/a": 1, "/b": 1}


def test_a_huge_page_is_refused(site: Site, job: Job) -> None:
    site.replies["/a"] = [Reply(200, b"x" * 300_000)]
    (result,) = job(site.url("/a"), megabytes=0.2).results
    assert (result.outcome, result.reason) == (Outcome.REFUSED, "more than 0.2 MB")


def test_a_damaged_entry_is_fetched_anew(site: Site, job: Job) -> None:
    site.replies = {"/a": [page("a")], "/b": [page("b")]}
    job(site.url("/a"), site.url("/b"))
    path = Cache(job.folder).path(str(key_of(site.url("/a"))))
    path.write_bytes(path.read_bytes()[:-9])
    assert outcomes(job(site.url("/a"), site.url("/b"))) == ["fetched", "from cache"]
    assert site.count() == {"/a": 2, "/b": 1}


def test_a_cache_that_cannot_be_written_ends_the_run(site: Site, job: Job) -> None:
    site.replies["/a"] = [page("a")]
    job.folder.write_text("not a folder")
    with pytest.raises(OSError):
        job(site.url("/a"))


PUBMED = [f"http://www.ncbi.nlm.nih.gov/pubmed/{number}" for number in range(1, 9)]


def test_abstracts_come_in_one_request_whatever_their_addresses(site: Site, job: Job) -> None:
    site.replies[PATH] = Efetch(missing=("3",))
    twice = "https://pubmed.ncbi.nlm.nih.gov/2/"
    report = job(*PUBMED, twice, eutils=site.url("/eutils"))
    expected = ["fetched"] * 2 + ["not found"] + ["fetched"] * 6
    assert outcomes(report) == expected
    assert len(site.asked) == 1 and ids(site.asked[0]) == [str(number) for number in range(1, 9)]
    again = job(*PUBMED, "http://www.ncbi.nlm.nih.gov/pubmed/77", eutils=site.url("/eutils"))
    assert again.counts[Outcome.CACHED] == 7
    assert ids(site.asked[1]) == ["77"]


def test_a_bad_article_or_an_answer_too_large_does_not_spoil_its_batch(site: Site, job: Job) -> None:
    site.replies[PATH] = Efetch(missing=("3",), broken=("6",), most=4)
    report = job(*PUBMED, eutils=site.url("/eutils"), megabytes=1)
    assert outcomes(report) == ["fetched"] * 2 + ["not found"] + ["fetched"] * 5
    assert len(ids(site.asked[0])) == 8 and ["6"] in [ids(asked) for asked in site.asked]


def test_numbers_that_are_all_unknown_are_not_found(site: Site, job: Job) -> None:
    site.replies[PATH] = Efetch(missing=("1", "2", "3"))
    report = job(*PUBMED[:3], eutils=site.url("/eutils"))
    assert outcomes(report) == ["not found"] * 3


def test_an_api_out_of_order_is_not_asked_for_each_article(site: Site, job: Job) -> None:
    site.replies[PATH] = [Reply(200, b"<html>Under maintenance</html>")]
    report = job(*PUBMED, eutils=site.url("/eutils"))
    assert outcomes(report) == ["gave up"] * 8
    assert "an answer without articles" in report.results[0].reason
    assert len(site.asked) == 3


# A run of its own, that can be ended from outside: it fetches and prints its outcomes.
PROGRAM = """
import sys
from pathlib import Path
from foldship.config.documents import Documents, Limits
from foldship.documents.fetch import fetch
settings = Documents(limits=Limits(concurrent=2, per_second=1e6), robots=False)
report = fetch(sys.argv[2:], Path(sys.argv[1]), settings)
print(",".join(result.outcome for result in report.results))
"""


def started(folder: Path, urls: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(folder), *urls]
    paths = {"PYTHONPATH": str(Path(str(sys.modules["foldship"].__file__)).parents[1])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=paths)


def until_held(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(folder.rglob("*.gz"))) < count:
        if time.monotonic() > deadline:
            raise FoldshipError("nothing was fetched within a minute")
        time.sleep(0.01)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_a_run_that_was_ended_goes_on_where_it_was(site: Site, tmp_path: Path, end: signal.Signals) -> None:
    urls = [site.url(f"/{place}") for place in range(40)]
    # Those from 20 on answer only when the first run is over: it cannot be done by then.
    over = False

    def answer(asked: Asked) -> Reply:
        return page(asked.path) if over or int(asked.path[1:]) < 20 else Reply(hang=True)

    site.replies = {f"/{place}": answer for place in range(40)}
    first = started(tmp_path, urls)
    until_held(tmp_path, 20)
    first.send_signal(end)
    _, errors = first.communicate(timeout=60)
    assert first.returncode == -end
    assert "KeyboardInterrupt" in errors or end == signal.SIGKILL
    assert "never retrieved" not in errors and "was destroyed" not in errors
    held = {url for url in urls if Cache(tmp_path).get(str(key_of(url)))}
    assert held == set(urls[:20])
    over = True
    site.asked.clear()
    second = started(tmp_path, urls)
    output, _ = second.communicate(timeout=60)
    assert output.strip() == ",".join(["from cache"] * 20 + ["fetched"] * 20)
    assert site.count() == {f"/{place}": 1 for place in range(20, 40)}
