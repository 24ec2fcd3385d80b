from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldship.documents.decoding import decode, media_type

TEXT = "naïve café: 5 µg € “λ”"


@pytest.mark.parametrize(
    ("encoding", "kind", "text"),
    [
        ("utf-8", "", TEXT),
        ("utf-8", "text/html; charset=iso-8859-1", TEXT),  # what it claims is wrong
        ("utf-8-sig", "text/html", TEXT),
        ("utf-16", "", TEXT),
        ("latin-1", "text/html; charset=ISO-8859-1", "naïve café: 5 µg"),
        ("cp1252", "text/html; charset=iso-8859-1", "“naïve” € café"),  # and it is cp1252, as on the web
        ("cp1252", "text/html", "“naïve” € café"),
        ("koi8-r", 'text/html; charset="koi8-r"', "белок"),
        ("euc-kr", "text/html; charset=euc-kr", "단백질"),
        ("cp1252", "text/html; charset=utf-8", "naïve café"),  # what it claims cannot be
        ("cp1252", "text/html; charset=no-such", "naïve café"),
        ("cp1252", "text/html; charset=zlib", "naïve café"),
        ("cp1252", "text/html; charset=undefined", "naïve café"),
    ],
)
def test_a_text_is_found_whatever_it_claims_to_be(encoding: str, kind: str, text: str) -> None:
    assert decode(text.encode(encoding), kind) == text


def test_a_page_may_name_its_own_encoding() -> None:
    for head in ('<meta charset="koi8-r">', '<?xml version="1.0" encoding="koi8-r"?>'):
        text = f"{head}<p>белок</p>"
        assert decode(text.encode("koi8-r"), "text/html") == text
    meta = '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r"><p>белок</p>'
    assert decode(meta.encode("koi8-r"), "") == meta


@given(st.binary(max_size=300), st.text(max_size=40))
def test_no_bytes_and_no_claim_raise(body: bytes, kind: str) -> None:
    decode(body, kind)
    decode(body, f"text/html; charset={kind}")


def test_media_type() -> None:
    assert media_type(" Text/HTML ; charset=x") == "text/html"
    assert media_type("") == ""
