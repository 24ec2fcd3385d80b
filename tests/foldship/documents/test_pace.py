from __future__ import annotations

from email.utils import formatdate

import pytest

from foldship.config.documents import Patience
from foldship.documents.pace import Time, asked_for, growing

NOW = 1_800_000_000.0


def test_waits_double_up_to_the_longest() -> None:
    patience = Patience(first_s=2, longest_s=30)
    middle = Time(between=lambda low, high: (low + high) / 2)
    assert [growing(attempt, patience, middle) for attempt in range(1, 7)] == [2, 4, 8, 16, 30, 30]


def test_chance_moves_a_wait_by_a_quarter_and_never_beyond_the_longest() -> None:
    patience = Patience(first_s=4, longest_s=8)
    assert growing(1, patience, Time(between=lambda low, _: low)) == 3
    assert growing(1, patience, Time(between=lambda _, high: high)) == 5
    assert growing(2, patience, Time(between=lambda _, high: high)) == 8


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        (formatdate(NOW + 90, usegmt=True), 90),
        (formatdate(NOW - 90, usegmt=True), 0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("Wed, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert asked_for(header, NOW) == seconds
