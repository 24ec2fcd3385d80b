from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from efetch import PATH, Efetch
from instant import Instant
from web_site import Reply, Site, page

from foldship.config.documents import Cutting, Documents, Limits, Patience
from foldship.documents import tables
from foldship.documents.collect import DOCUMENTS, PASSAGES, Collected, collect
from foldship.documents.summary import lines

ABSTRACTS = [f"http://www.ncbi.nlm.nih.gov/pubmed/{number}" for number in (3, 1, 2)]


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        made.replies = {
            PATH: Efetch(missing=("2",)),
            "/page": [page("page")],
            "/image": [Reply(200, b"GIF89a", {"Content-Type": "image/gif"})],
            "/down": [Reply(500)],
        }
        yield made


def run(site: Site, folder: Path, *urls: str, **more: object) -> Collected:
    settings = Documents.model_validate(
        {
            "eutils": site.url("/eutils"),
            "limits": Limits(per_second=1e6),
            "robots": False,
            "patience": Patience(attempts=2),
            **more,
        }
    )
    return collect(urls, folder, settings, time=Instant().time)


def test_addresses_in_documents_and_passages_out(site: Site, tmp_path: Path) -> None:
    urls = [*ABSTRACTS, site.url("/page"), "https://pubmed.ncbi.nlm.nih.gov/1/"]
    collected = run(site, tmp_path / "out", *urls)
    documents = list(tables.read_documents(collected.folder / DOCUMENTS))
    assert [document.id for document in documents] == ["pubmed/3", "pubmed/1", f"{site.name}/page"]
    assert [document.url for document in documents] == [urls[0], urls[1], urls[3]]
    passages = list(tables.read_passages(collected.folder / PASSAGES))
    assert [passage.text for passage in passages[:2]] == ["Title of 3.", "First of 3. Second of 3."]
    assert (collected.documents, collected.passages) == (3, len(passages))
    # What is asked about a question's address is answered by the result's key.
    assert [result.key for result in collected.fetched.results][-1] == "pubmed/1"


def test_the_same_input_gives_the_same_bytes(site: Site, tmp_path: Path) -> None:
    first = run(site, tmp_path / "1", *ABSTRACTS)
    site.replies[PATH] = Efetch(missing=("2",), most=1)  # each by itself, in whatever order
    second = run(site, tmp_path / "2", *ABSTRACTS, megabytes=1)
    for name in (DOCUMENTS, PASSAGES):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()


def test_what_was_made_is_made_again_only_where_something_changed(site: Site, tmp_path: Path) -> None:
    def made() -> list[int]:
        return [(tmp_path / name).stat().st_mtime_ns for name in (DOCUMENTS, PASSAGES)]

    first = run(site, tmp_path, *ABSTRACTS)
    before = made()
    again = run(site, tmp_path, *ABSTRACTS)
    assert made() == before
    assert (again.documents, again.passages, again.unread) == (first.documents, first.passages, first.unread)
    run(site, tmp_path, *ABSTRACTS, passages=Cutting(sentences=1, overlap=0))
    assert made() != before
    before = made()
    (tmp_path / PASSAGES).write_text("changed by hand")
    run(site, tmp_path, *ABSTRACTS, passages=Cutting(sentences=1, overlap=0))
    assert len(list(tables.read_passages(tmp_path / PASSAGES))) == 6
    run(site, tmp_path, *ABSTRACTS[:2], site.url("/page"))
    assert len(list(tables.read_documents(tmp_path / DOCUMENTS))) == 3


def test_the_summary_says_what_is_missing_and_why(site: Site, tmp_path: Path) -> None:
    urls = [*ABSTRACTS, *(site.url(path) for path in ("/image", "/down", "/gone")), "nonsense"]
    collected = run(site, tmp_path, *urls)
    text = "\n".join(lines(collected))
    assert "7 documents: 3 fetched, 2 not found, 1 refused, 1 gave up" in text
    assert "2 could be read, 4 passages" in text
    assert f"1 unreadable: image/gif, not a page ({site.url('/image')})" in text
    assert f"1 gave up: answered 500, tried 2 times ({site.url('/down')})" in text
    assert "1 refused: not an http or https address (nonsense)" in text
    assert "1 not found: the answer leaves it out (http://www.ncbi.nlm.nih.gov/pubmed/2)" in text
    assert "the same command again asks for these 1 only" in text
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert receipt["documents"] == 2 and set(receipt["files"]) == {DOCUMENTS, PASSAGES}
    again = run(site, tmp_path, *urls[:4])
    assert [one.reason for one in again.unread] == ["image/gif, not a page"]


def test_many_reasons_are_cut_short(site: Site, tmp_path: Path) -> None:
    for status in range(440, 452):
        site.replies[f"/{status}"] = [Reply(status)]
    text = lines(run(site, tmp_path, *(site.url(f"/{status}") for status in range(440, 452))))
    assert text[-1] == "  4 for 4 other reasons"
    assert len(text) == 3 + 8 + 1


def test_no_addresses_make_empty_files(site: Site, tmp_path: Path) -> None:
    collected = run(site, tmp_path / "none")
    assert (collected.documents, collected.passages) == (0, 0)
    assert (collected.folder / DOCUMENTS).read_bytes() == b""
    assert lines(collected)[0] == "0 documents: none"
