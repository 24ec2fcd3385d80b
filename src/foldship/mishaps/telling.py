"""How a program ends: well, with a message that says what to do, or with one about what nobody foresaw."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from foldship.mishaps import activity, details, hooks, reason, remedies
from foldship.mishaps.shown import shown
from foldship_kernel.errors import FoldshipError

INTERRUPTED = 130  # what shells give for a command that Ctrl-C ended
INDENT = "\n" + " " * 12  # below the first line after a label


@contextmanager
def program(name: str) -> Iterator[None]:
    """Inside the block, every way to end is one that a person can read.

    Args:
        name: the program and its verb, for messages.

    Raises:
        SystemExit: the block failed, or the program asked for it; what there is to say has been said.
    """
    with hooks.installed():
        try:
            yield
            _flush()
        except SystemExit as stop:
            if isinstance(stop.code, str):
                _say(stop.code)
                raise SystemExit(1) from None
            raise
        except KeyboardInterrupt:
            _interrupted()
        except BrokenPipeError as error:
            if not _nobody_listens():
                _end(error, name)
            _silence()
            raise SystemExit(1) from None
        except BaseException as error:
            _end(error, name)


def message(error: BaseException, name: str, file: object) -> str:
    """What is said of an exception that nobody foresaw.

    Args:
        error: what ended the program.
        name: the program and its verb.
        file: where the details lie; None where they could not be kept.
    """
    where = ", ".join([name, *activity.of(error)])
    lines = [f"error: {where}: {_indented(reason.words(error), '  ')}"]
    lines += [f"  cause:    {_indented(cause)}" for cause in reason.causes(error)]
    kept = file or "could not be kept: no folder can be written to; FOLDSHIP_DEBUG=1 shows them"
    lines.append(f"  details:  {kept}")
    lines.append(f"  fix:      {remedies.of(error)}")
    return "\n".join(lines)


def tell(error: BaseException, name: str) -> None:
    """Keep the details of an exception, and say in short what happened."""
    try:
        text = "\n\n".join([message(error, name, "this file"), details.circumstances(), reason.trace(error)])
        file = details.write(shown(text) + "\n")
        if hooks.debugging():
            _say(reason.trace(error))
        _say(message(error, name, file))
    except Exception:  # with no memory left, say, not even that can be told
        if hooks.debugging():
            raise
        _say(f"error: {name}: {type(error).__name__}: {error}")


def _end(error: BaseException, name: str) -> None:
    """Say what happened, and end with status 1."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
    if isinstance(error, FoldshipError):
        known = str(error)
    elif isinstance(error, OSError) and error.errno in remedies.FORESEEN:
        place = error.filename or ", ".join(activity.of(error)) or "a file"
        known = f"{place}: {os.strerror(error.errno)}\n  fix:      {remedies.OF_FILES[error.errno]}"
    else:
        tell(error, name)
        raise SystemExit(1) from None
    if hooks.debugging():
        _say(reason.trace(error))
    _say(f"error: {known}")
    raise SystemExit(1) from None


def _interrupted() -> None:
    """Say so in one line; a second Ctrl-C ends what still runs at once."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _say(hooks.STOPPED)
    raise SystemExit(INTERRUPTED) from None


def _say(text: str) -> None:
    with suppress(OSError, ValueError, AttributeError):  # nobody listens, or there is no such stream
        apart = "\n" if sys.stderr.isatty() else ""  # from a progress bar that was cut off
        print(f"{apart}{shown(text.strip())}", file=sys.stderr, flush=True)


def _indented(text: str, by: str = INDENT[1:]) -> str:
    return f"\n{by}".join(text.splitlines())


def _flush() -> None:
    """What is still to be written is written here, where its failure can be told."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _nobody_listens() -> bool:
    """Whether the reader of the output is gone, as after `foldship runs | head -1`."""
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            poll.register(stream.fileno(), select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _silence() -> None:
    """Let nothing more be written to what nobody reads: the interpreter would complain at its end."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
