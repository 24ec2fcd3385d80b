from __future__ import annotations

import pytest

from foldship.documents.addresses import host_of, key_of, pubmed_id


@pytest.mark.parametrize(
    "url",
    [
        "http://www.ncbi.nlm.nih.gov/pubmed/20306735",
        "https://www.ncbi.nlm.nih.gov/pubmed/20306735/",
        "https://pubmed.ncbi.nlm.nih.gov/20306735/",
        "http://pubmed.ncbi.nlm.nih.gov/20306735#abstract",
        "https://PubMed.NCBI.nlm.nih.gov:443/20306735/?from=search",
        "http://ncbi.nlm.nih.gov/pubmed/0020306735",
        " https://www.ncbi.nlm.nih.gov/m/pubmed/20306735/ ",
    ],
)
def test_all_addresses_of_an_abstract_are_one(url: str) -> None:
    key = key_of(url)
    assert key == "pubmed/20306735"
    assert pubmed_id(key) == "20306735"


def test_what_makes_no_difference_elsewhere() -> None:
    keys = {
        key_of(url)
        for url in (
            "http://example.org/a/b",
            "https://EXAMPLE.org/a/b/",
            "https://example.org:443/a/b#c",
            "http://example.org:80/a/b?",
        )
    }
    assert keys == {"example.org/a/b"}


def test_what_does_make_one() -> None:
    urls = ("example.org/a", "example.org/A", "example.org/a?x=1", "example.org/a?x=2", "example.org:8080/a")
    assert len({key_of(f"http://{url}") for url in urls}) == len(urls)
    assert pubmed_id(str(key_of("http://example.org/pubmed/1"))) is None
    assert key_of("https://www.ncbi.nlm.nih.gov/pubmed/?term=1") != "pubmed/1"


@pytest.mark.parametrize(
    "url",
    ["", "20306735", "ftp://example.org/a", "http://", "http://[::1/a", "http://a:99999/", "http://a b/c"],
)
def test_what_is_no_address(url: str) -> None:
    assert key_of(url) is None
    with pytest.raises(ValueError, match="no address"):
        host_of(url)


def test_a_host_is_one_under_both_schemes_but_not_on_another_port() -> None:
    assert host_of("http://Example.org/a") == host_of("https://example.org:443/b") == "example.org"
    assert host_of("http://example.org:8080/a") == "example.org:8080"
