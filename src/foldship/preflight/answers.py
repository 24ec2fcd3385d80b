"""What was found, gathered until everything has been asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from foldship_kernel.errors import FoldshipError

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """What a question found.

    Attributes:
        refused: whether nothing may be trained before it is mended.
        error: what it is, with what was expected, what was found and what to do.
    """

    refused: bool
    error: FoldshipError


def refusal(what: str, *, expected: str = "", found: str = "", fix: str = "") -> Finding:
    """Something that has to be mended first; arguments as of `FoldshipError`."""
    return Finding(True, FoldshipError(what, expected=expected, found=found, fix=fix))


def note(what: str, *, expected: str = "", found: str = "", fix: str = "") -> Finding:
    """Something that a person should know, and that stops nothing."""
    return Finding(False, FoldshipError(what, expected=expected, found=found, fix=fix))


class RefusedError(FoldshipError):
    """Several things that have to be mended before anything is trained.

    Args:
        errors: all of them, two or more.

    Attributes:
        errors: the same.
    """

    def __init__(self, errors: Sequence[FoldshipError]) -> None:
        self.errors = tuple(errors)
        last = f"nothing was begun: mend these {len(errors)}, and run the same command again"
        super().__init__("\n\nerror: ".join([*map(str, errors), last]))


class Answers:
    """Gathers findings; the same one counts once.

    Attributes:
        refusals, notes: what was found so far, in order.
    """

    def __init__(self) -> None:
        self.refusals: list[FoldshipError] = []
        self.notes: list[FoldshipError] = []

    def ask(self, question: Callable[P, Iterable[Finding]], *given: P.args, **named: P.kwargs) -> bool:
        """Ask a question; an error that it ends with is a refusal. Whether nothing was refused."""
        before = len(self.refusals)
        try:
            for finding in question(*given, **named):
                self._add(self.refusals if finding.refused else self.notes, finding.error)
        except FoldshipError as error:
            self._add(self.refusals, error)
        return len(self.refusals) == before

    def of(self, function: Callable[P, T], *given: P.args, **named: P.kwargs) -> T | None:
        """What a function returns; None where it ends with an error, which is a refusal."""
        try:
            return function(*given, **named)
        except FoldshipError as error:
            self._add(self.refusals, error)
            return None

    def conclude(self, say: Callable[[str], None]) -> None:
        """Say all notes, then refuse if anything was refused.

        Raises:
            FoldshipError: something was.
        """
        for found in self.notes:
            say(f"note: {found}")
        if len(self.refusals) == 1:
            raise self.refusals[0]
        if self.refusals:
            raise RefusedError(self.refusals)

    @staticmethod
    def _add(place: list[FoldshipError], error: FoldshipError) -> None:
        if str(error) not in map(str, place):
            place.append(error)
