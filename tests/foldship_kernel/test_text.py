from __future__ import annotations

import pytest

from foldship_kernel.text import normalise, normalise_all


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("  two\r\n lines\t", "two lines"),
        (None, ""),
        (float("nan"), ""),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("", ""),
    ],
)
def test_normalise(raw: object, clean: str) -> None:
    assert normalise(raw) == clean
    assert normalise_all([raw, raw]) == [clean, clean]
