from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slugify import slugify

from foldship import naming


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Foldship Quest", "foldship-quest"),
        ("my_kernel_name", "my-kernel-name"),
        ("  Much -- space (v2) ", "much-space-v2"),
        ("Köln Cathedral", "koln-cathedral"),
        ("한국어 관계 추출", "hangugeo-gwangye-cucul"),
        ("Привет, мир", "privet-mir"),
        ("It's 1,000 rows", "it-s-1000-rows"),
        ("A&amp;B together", "a-b-together"),
        ("FOLDSHIP quest", "foldship-quest"),
    ],
)
def test_slugs_are_made_as_kaggle_makes_them(title: str, slug: str) -> None:
    assert naming.slug(title) == slug


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.text(max_size=60))
def test_a_slug_is_what_the_client_makes_and_can_stand_in_an_address(title: str) -> None:
    try:
        name = naming.slug(title)
    except ValueError as error:
        assert "6 to 50" in str(error)
        assert not (6 <= len(title) <= 50 and 6 <= len(slugify(title)) <= 50)
        return
    assert name == slugify(title) == naming.slug(name)
    assert naming.check_slug(name) == name
    # The client warns where this is not so.
    assert name.lower() == slugify(title)


@pytest.mark.parametrize(
    ("address", "ref"),
    [
        ("/code/someone/some-kernel", "someone/some-kernel"),
        ("someone/some-kernel", "someone/some-kernel"),
        ("/Some-One_2/kernel", "Some-One_2/kernel"),
        ("https://www.kaggle.com/code/someone/some-kernel?scriptVersionId=7", "someone/some-kernel"),
        ("https://www.kaggle.com/datasets/someone/some-data/versions/3", "someone/some-data"),
        ("https://www.kaggle.com/someone/some-data", "someone/some-data"),
        ("", ""),
        ("nothing", ""),
        ("https://elsewhere.org/a/b/c/d", ""),
    ],
)
def test_what_kaggle_calls_it_by_is_read_from_any_address(address: str, ref: str) -> None:
    assert naming.ref_of(address) == ref


@pytest.mark.parametrize("title", ["short", "!!! a !!!", "!!!!!!!!", "🚀🚀🚀🚀🚀🚀", "한" * 30, "x" * 51, ""])
def test_names_outside_kaggles_bounds_are_refused(title: str) -> None:
    with pytest.raises(ValueError, match="6 to 50"):
        naming.slug(title)


def test_parts_are_numbered_from_the_second_on() -> None:
    assert [naming.part_title("Some Data", part) for part in (1, 2, 12)] == [
        "Some Data",
        "Some Data 2",
        "Some Data 12",
    ]
    with pytest.raises(ValueError, match="50"):
        naming.part_title("x" * 49, 2)


@pytest.mark.parametrize("name", ["Upper", "two words", "-dash", "dash-", "two--dashes", "under_score", ""])
def test_a_name_that_stands_in_no_address_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Kaggle address"):
        naming.check_slug(name)
    assert naming.check_slug("google-quest-challenge") == "google-quest-challenge"


@pytest.mark.parametrize("name", ["some one", "a/b", "-a", "", "x" * 51, "ann@example.org"])
def test_an_owner_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="user name"):
        naming.check_owner(name)
    for fine in ("ann", "ann_b-2", naming.UNKNOWN_OWNER):
        assert naming.check_owner(fine) == fine
