from __future__ import annotations

from foldship.export import room


def test_what_folds_have_in_common_is_stored_once() -> None:
    assert room.stored(100, 0, 4) == 200
    assert room.stored(100, 100, 4) == 800
    assert room.scratch(100, 4) == 3200
