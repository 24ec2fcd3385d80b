"""Ways of carrying a session out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kaggle_site.sessions import Session

Runner = Callable[[Session], None]


def writes(files: Mapping[str, bytes | str], log: str = "done\n") -> Runner:
    """A runner that runs nothing, and leaves these files behind."""

    def run(session: Session) -> None:
        for name, content in files.items():
            path = session.output / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        session.say(log)

    return run


def fails(message: str, log: str = "") -> Runner:
    """A runner whose session ends in an error, with this failure message."""

    def run(session: Session) -> None:
        if log:
            session.say(log, "stderr")
        session.failure = message

    return run
