from __future__ import annotations

from pathlib import Path

import competing


def test_a_column_that_is_empty_in_the_test_file_alone_is_pointed_out(tmp_path: Path) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS, texts=["text", "title"])
    scores = {"score": [0, 1, 0, 1]}
    for title, count in ((["m", "n", "o", ""], 1), ([""] * 4, 0)):
        train = {**competing.TRAIN, "title": title, **scores}
        test = {**competing.TEST, "title": ["", ""]}
        folder = competing.files(tmp_path / "data", competition, train=train, test=test)
        found = competing.matched(competition, folder)
        assert not found.refusals
        assert len(found.notes) == count
        assert all("'title' is empty in all 2 rows" in error.what for error in found.notes)
        assert all("75% of the rows" in error.found for error in found.notes)
