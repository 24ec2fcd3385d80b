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
