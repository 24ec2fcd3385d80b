from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from foldship.documents.cache import Cache, Entry

ENTRY = Entry(
    "example.org/ä", "http://example.org/ä", "https://example.org/b", 200, "text/html", 1.5, b"one\ntwo\0\xff"
)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    made = Cache(tmp_path / "cache")
    made.put(ENTRY)
    return made


def test_an_entry_comes_back_as_it_was(cache: Cache) -> None:
    assert cache.get(ENTRY.key) == ENTRY
    gone = replace(ENTRY, key="example.org/c", status=404, body=b"")
    cache.put(gone)
    assert cache.get(gone.key) == gone
    assert ENTRY.found and not gone.found
    assert cache.get("example.org/d") is None


def test_the_same_entry_is_the_same_bytes(cache: Cache) -> None:
    before = cache.path(ENTRY.key).read_bytes()
    cache.put(ENTRY)
    assert cache.path(ENTRY.key).read_bytes() == before


def test_a_damaged_entry_is_none_wherever_the_damage_is(cache: Cache) -> None:
    path = cache.path(ENTRY.key)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place])
        assert cache.get(ENTRY.key) is None
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        # Bytes 3 to 9 are flags, time and system, of which gzip keeps no check.
        assert cache.get(ENTRY.key) in ((None, ENTRY) if 3 <= place < 10 else (None,))


@pytest.mark.parametrize("text", [b"", b"[]\n", b"{}\nbody", b'{"key": 1}\n', b"\xff\xfe\nbody"])
def test_what_is_no_entry_is_none(cache: Cache, text: bytes) -> None:
    cache.path(ENTRY.key).write_bytes(gzip.compress(text))
    assert cache.get(ENTRY.key) is None


def test_an_entry_at_anothers_place_is_none(cache: Cache) -> None:
    other = cache.path("example.org/other")
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_bytes(cache.path(ENTRY.key).read_bytes())
    assert cache.get("example.org/other") is None
