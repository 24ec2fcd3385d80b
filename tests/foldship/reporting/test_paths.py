"""What is shown of paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from foldship.reporting.paths import hidden


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see /home/jane/quest/train.csv, row 3", "see .../train.csv, row 3"),
        ("of /home/jane", "of ..."),
        ("C:\\Users\\jane\\x.csv is bad", ".../x.csv is bad"),
        ("https://pypi.org/project/some/ stays", "https://pypi.org/project/some/ stays"),
        ("no /kaggle/working/submission.csv", "no /kaggle/working/submission.csv"),
        (
            "models/one/weights.bin and 3/4 and raw / nested",
            "models/one/weights.bin and 3/4 and raw / nested",
        ),
        ("tokens/s", "tokens/s"),
        ("/my own/quest data/x.csv is gone", ".../x.csv is gone"),
    ],
)
def test_paths_keep_their_last_name(text: str, shown: str) -> None:
    assert hidden(text, [Path("/my own/quest data")]) == shown
