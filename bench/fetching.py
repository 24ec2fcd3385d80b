"""Documents fetched from several hosts at once, against one after another, within the same limits."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import requests

from bench import sites, timing
from bench.options import Options
from bench.report import Report, ratio
from foldship.config.documents import Documents, Limits
from foldship.documents.addresses import host_of, key_of
from foldship.documents.cache import Cache, Entry
from foldship.documents.fetch import fetch
from foldship.documents.report import HELD
from foldship.reporting.tables import Table
from foldship_kernel.errors import FoldshipError

OURS, PEER = "fetch_documents", "one_at_a_time"
HOSTS = 8
LATENCY_S = 0.05
LIMITS = Limits(concurrent=4, per_second=20)
SETTINGS = Documents(limits=LIMITS, robots=False)


def run(options: Options, work: Path) -> Report:
    """Time both ways on the same pages.

    Raises:
        FoldshipError: a way failed, or they did not fetch the same.
    """
    pages, rounds = options.size.fetched_pages, options.size.rounds
    with sites.running(HOSTS, LATENCY_S) as hosts:
        # Host after host, so that who goes one by one does not wait for a host's limit.
        urls = [f"{host}/{number}" for number in range(pages) for host in hosts]
        ways = {OURS: at_once, PEER: one_by_one}
        timed = timing.interleave(
            {name: partial(way, urls, work / name) for name, way in ways.items()},
            rounds,
            warm_up={name: partial(way, urls[:HOSTS], work / name) for name, way in ways.items()},
            describe="fetching",
        )
    if timed.failures:
        raise FoldshipError("fetching: a way failed", found="; ".join(timed.failures.values()))
    ours, theirs = (timed.outputs[name][0] for name in (OURS, PEER))
    if ours != theirs:
        raise FoldshipError(
            "fetching: the two ways differ", expected=f"{theirs} bytes", found=f"{ours} bytes"
        )
    allowed = HOSTS * LIMITS.per_second
    seconds = {name: timed.median_s(name) for name in ways}
    ratios = ratio(OURS, PEER, ours=seconds[OURS], theirs=seconds[PEER])
    rows = tuple(
        (
            name.replace("_", " "),
            f"{seconds[name]:.2f}",
            f"{len(urls) / seconds[name]:.1f}",
            f"{len(urls) / seconds[name] / allowed:.0%}",
            f"{seconds[name] / seconds[OURS]:.2f}",
        )
        for name in ways
    )
    return Report(
        "fetching",
        "Fetching documents",
        ratios,
        (
            Table(
                f"{len(urls)} pages of {HOSTS} hosts",
                ("way", "seconds", "documents/s", "of what limits allow", "ratio"),
                rows,
            ),
        ),
        (
            f"Local sites in a process of their own; each answers after {LATENCY_S * 1000:.0f} ms with "
            f"{len(sites.PAGE) / 1000:.0f} kB. Limits of each host, both ways: {LIMITS.concurrent} requests "
            f"at once, {LIMITS.per_second:g} a second; the default is stricter. Medians of {rounds} rounds.",
            "One at a time: `requests` with a session, from host to host. Both ways write the same cache.",
            "The gain is that of waiting for several hosts at once: it grows with their number, and there "
            "is little with a single one whose limits leave no room.",
        ),
    )


def at_once(urls: Sequence[str], folder: Path) -> int:
    """Fetch with Foldship; returns the bytes of all pages."""
    shutil.rmtree(folder, ignore_errors=True)
    report = fetch(urls, folder, SETTINGS)
    missing = [result.reason for result in report.results if result.outcome not in HELD]
    if missing:
        raise FoldshipError("fetching: pages are missing", found=missing[0])
    return _size(urls, Cache(folder))


def one_by_one(urls: Sequence[str], folder: Path) -> int:
    """Fetch with `requests`, each page when the one before is there; returns the bytes of all pages."""
    shutil.rmtree(folder, ignore_errors=True)
    cache, begun = Cache(folder), dict[str, float]()
    with requests.Session() as session:
        for url in urls:
            wait = begun.get(host_of(url), 0.0) + 1 / LIMITS.per_second - time.monotonic()
            time.sleep(max(wait, 0.0))
            begun[host_of(url)] = time.monotonic()
            answer = session.get(url, timeout=30)
            answer.raise_for_status()
            kind = answer.headers["Content-Type"]
            cache.put(Entry(str(key_of(url)), url, url, 200, kind, time.time(), answer.content))
    return _size(urls, cache)


def _size(urls: Sequence[str], cache: Cache) -> int:
    entries = (cache.get(str(key_of(url))) for url in urls)
    return sum(len(entry.body) for entry in entries if entry)
