from __future__ import annotations

import pytest

from foldship.kaggle_client.answers import remedy


@pytest.mark.parametrize(
    ("message", "status", "part"),
    [
        ("Maximum batch GPU session count of 2 reached.", None, "running GPU kernels"),
        ("You have exceeded your weekly GPU quota", None, "weekly reset"),
        ("Private storage quota exceeded", 403, "delete datasets"),
        ("You must accept this competition's rules before you'll be able to submit", 403, "accept the rules"),
        ("Phone verification is required", 403, "telephone"),
        ("The requested title is already in use by a dataset", None, "another title"),
        ("", 401, "new token"),
        ("Forbidden", 403, "your own"),
        ("Conflict", 409, "under way"),
        ("Payload Too Large", 413, "dataset_limit_gib"),
        ("Something new", 418, "status page"),
    ],
)
def test_every_answer_has_a_remedy(message: str, status: int | None, part: str) -> None:
    assert part in remedy(message, status)
