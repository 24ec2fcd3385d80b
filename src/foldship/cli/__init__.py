"""The `foldship` program: one subcommand a stage, the same verbs as the Make targets."""

from __future__ import annotations

import sys
from types import TracebackType


def _stopped(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Of Ctrl-C while the program is still being loaded, one line."""
    if issubclass(kind, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


if sys.excepthook is sys.__excepthook__:  # before anything that takes time is imported
    sys.excepthook = _stopped
