from __future__ import annotations

import json

import pytest

from foldship.kaggle_client import kernels


@pytest.mark.parametrize(
    ("log", "text"),
    [
        (
            json.dumps(
                [
                    {"stream_name": "stdout", "time": 0.1, "data": "one\n"},
                    {"stream_name": "stderr", "time": 0.2, "data": "two\n"},
                ]
            ),
            "one\ntwo\n",
        ),
        ("not JSON\n", "not JSON\n"),
        ('{"other": 1}', '{"other": 1}'),
        ("", ""),
    ],
)
def test_a_log_is_plain_text(log: str, text: str) -> None:
    assert kernels.plain(log) == text
