from __future__ import annotations

import pytest

from foldship import naming


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Foldship Quest", "foldship-quest"),
        ("my_kernel_name", "my-kernel-name"),
        ("  Much -- space (v2) ", "much-space-v2"),
    ],
)
def test_slugs_are_made_as_kaggle_makes_them(title: str, slug: str) -> None:
    assert naming.slug(title) == slug


@pytest.mark.parametrize("title", ["short", "!!! a !!!", "x" * 51, ""])
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
