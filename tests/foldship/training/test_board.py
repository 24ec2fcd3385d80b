from __future__ import annotations

import io

import pytest

from foldship.training.board import Board
from foldship.training.progress import Step


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_each_tenth_of_a_stage() -> None:
    stream = io.StringIO()
    board = Board(stream)
    for done in range(41):
        board.show("m fold 0", Step("stage 0, head", done, 40, "loss=0.5"))
    board.show("m fold 0", Step("stage 1, full", 1, 2))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 12
    assert "m fold 0, stage 0, head: 50%, 20 of 40 steps" in lines[5]
    assert "loss=0.5" in lines[5]
    assert "stage 1, full: 50%, 1 of 2 steps" in lines[-1]
    assert "\r" not in stream.getvalue()


def test_a_terminal_gets_a_bar_a_fold_and_lines_above_them(capsys: pytest.CaptureFixture[str]) -> None:
    stream = Terminal()
    board = Board(stream)
    board.show("m fold 0", Step("head", 1, 40))
    board.show("m fold 1", Step("head", 3, 40, "loss=0.25"))
    board.say("a line")
    board.end("m fold 0")
    board.show("m fold 2", Step("head", 1, 40))
    board.close()
    text = stream.getvalue()
    assert "m fold 0, head" in text
    assert "m fold 1, head" in text
    assert "m fold 2, head" in text
    assert capsys.readouterr().out == "a line\n"
