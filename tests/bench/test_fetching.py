from __future__ import annotations

from pathlib import Path

from bench import fetching, options, sites
from foldship.documents.cache import Cache


def test_both_ways_fetch_the_same_pages(tmp_path: Path) -> None:
    with sites.running(2, 0.0) as hosts:
        urls = [f"{host}/{number}" for host in hosts for number in range(2)]
        for way in (fetching.at_once, fetching.one_by_one):
            assert way(urls, tmp_path) == 4 * len(sites.PAGE)
            entry = Cache(tmp_path).get(urls[3].removeprefix("http://"))
            assert entry is not None and entry.body == sites.PAGE


def test_the_suite_gives_its_ratio(tmp_path: Path) -> None:
    done = fetching.run(options.read("tiny", "fetching", 1, tmp_path, Path("page")), tmp_path)
    assert list(done.ratios) == ["fetch_documents_vs_one_at_a_time"]
    assert all(value > 0 for value in done.ratios.values())
    assert [row[0] for row in done.tables[0].rows] == ["fetch documents", "one at a time"]
