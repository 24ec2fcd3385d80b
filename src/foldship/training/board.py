"""Progress of several folds: a bar each on a terminal, a line each tenth of a stage in a log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count
from typing import TextIO

from tqdm import tqdm

from foldship import terminals
from foldship.training.progress import Step

LINES_A_STAGE = 10


@dataclass
class _Shown:
    stage: str
    first: int
    started: float
    place: int
    bar: tqdm[None] | None
    tenth: int = -1


class Board:
    """Shows the steps of folds that are trained at the same time.

    Args:
        stream: where to; bars need a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown: dict[str, _Shown] = {}

    def show(self, name: str, step: Step) -> None:
        """Show how far the fold `name` is."""
        shown = self._shown.get(name)
        if shown is None or shown.stage != step.stage:
            shown = self._begin(name, step)
        if shown.bar is not None:
            shown.bar.set_postfix_str(step.shown, refresh=False)
            shown.bar.update(step.done - shown.bar.n)
            return
        tenth = step.done * LINES_A_STAGE // max(1, step.total)
        if tenth > shown.tenth:
            shown.tenth = tenth
            line = terminals.progress_line(
                _title(name, step),
                step.done,
                step.total,
                time.monotonic() - shown.started,
                postfix=step.shown,
                first=shown.first,
            )
            print(line, file=self._stream, flush=True)

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        with tqdm.external_write_mode(file=self._stream):
            print(line, flush=True)

    def end(self, name: str) -> None:
        """Take the fold off the board."""
        shown = self._shown.pop(name, None)
        if shown is not None and shown.bar is not None:
            shown.bar.close()

    def close(self) -> None:
        """Take all folds off the board."""
        for name in list(self._shown):
            self.end(name)

    def _begin(self, name: str, step: Step) -> _Shown:
        self.end(name)
        taken = {shown.place for shown in self._shown.values()}
        place = next(number for number in count() if number not in taken)
        bar = None
        if not terminals.plain(self._stream):
            bar = tqdm(
                desc=_title(name, step),
                total=step.total,
                initial=step.done,
                unit="step",
                position=place,
                leave=False,
                dynamic_ncols=True,
                file=self._stream,
            )
        self._shown[name] = _Shown(step.stage, step.done, time.monotonic(), place, bar)
        return self._shown[name]


def _title(name: str, step: Step) -> str:
    return f"{name}, {step.stage}" if name else step.stage
