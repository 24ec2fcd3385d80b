"""What Python and its libraries say on their own: never a traceback, and in one line."""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, TextIO

from foldship.mishaps import details, reason
from foldship.mishaps.shown import shown

DEBUG = "FOLDSHIP_DEBUG"
STOPPED = "stopped; run the same command again to go on"
# The tokenizers' word about forks, transformers' advice.
QUIET = {"TOKENIZERS_PARALLELISM": "true", "TRANSFORMERS_VERBOSITY": "error"}


def debugging() -> bool:
    """Whether tracebacks are wanted on the terminal."""
    return os.environ.get(DEBUG, "") not in ("", "0")


@contextmanager
def installed() -> Iterator[None]:
    """Inside the block, threads that fail, warnings and log records are told in one line each."""
    before = threading.excepthook, sys.excepthook, sys.unraisablehook, warnings.showwarning
    notes, raising = _Notes(), logging.raiseExceptions
    install(notes)
    try:
        yield
    finally:
        threading.excepthook, sys.excepthook, sys.unraisablehook, warnings.showwarning = before
        logging.getLogger().removeHandler(notes)
        logging.raiseExceptions = raising


def quiet() -> None:
    """Spare the terminal what libraries say about what concerns no one here."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    # Warns of kernels that only 4-bit training on a CPU would use.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def install(notes: _Notes | None = None) -> None:
    """The same as `installed`, for the rest of a process."""
    quiet()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):  # a name no terminal can spell is no error
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if debugging():
        return
    threading.excepthook = thread_failed
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    warnings.showwarning = _warned
    logging.getLogger().addHandler(notes or _Notes())
    logging.raiseExceptions = False


def thread_failed(failure: threading.ExceptHookArgs) -> None:
    """Say that a thread failed; for `threading.excepthook`, in the program and in the processes of its folds.

    TensorBoard's writer is passed over: it raises again in the main thread, which says it.
    """
    error = failure.exc_value
    if error is None or type(failure.thread).__module__.startswith("tensorboard."):
        return
    name = failure.thread.name if failure.thread else "a thread"
    _note(f"{name} failed: {reason.words(error)}", reason.trace(error))


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What is raised before or after the program's own work."""
    if issubclass(kind, KeyboardInterrupt):
        _print(STOPPED)
    else:
        _note(f"error: {reason.words(error)}", reason.trace(error), label="")


def _unraisable(failure: sys.UnraisableHookArgs) -> None:
    """What fails where nobody can catch it, in a finalizer say, changes nothing for anyone."""


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning without the path and the line of code that Python shows with it."""
    _print(f"note: {' '.join(str(message).split())}", file)


class _Notes(logging.Handler):
    """Shows what libraries log and nobody else shows."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.name}: {' '.join(record.getMessage().split())}"
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            _note(f"{text}: {reason.words(error)}", reason.trace(error))
        elif record.exc_text:  # as `secrets` leaves it: its last line is the reason
            last = record.exc_text.strip().splitlines()[-1]
            _note(text if last in text else f"{text}: {last}", record.exc_text)
        else:
            _print(f"note: {text}")


def _note(text: str, trace: str, label: str = "note: ") -> None:
    file = details.write(shown("\n\n".join([text, details.circumstances(), trace])) + "\n")
    _print(f"{label}{text}" + (f" (details: {file})" if file else ""))


_said: set[str] = set()


def _print(text: str, file: Any = None) -> None:
    """Print a line once."""
    if text in _said:
        return
    _said.add(text)
    with suppress(OSError, ValueError, AttributeError):
        print(shown(text), file=file or sys.stderr, flush=True)
