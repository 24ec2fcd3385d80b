"""What a rule says."""

from __future__ import annotations

from dataclasses import dataclass, field

from foldship.levels import Level

__all__ = ["Finding", "Level", "Tally", "UnaskedError"]


@dataclass(frozen=True)
class Finding:
    """What one rule says.

    Attributes:
        name: of the rule.
        level: how bad it is.
        seen: what was found, with numbers; of a rule that was not asked, why not.
        remedy: what to do about it; "" where there is nothing to do.
    """

    name: str
    level: Level
    seen: str
    remedy: str = ""


class UnaskedError(Exception):
    """A rule has nothing to look at.

    Args:
        reason: why, for people.
        rule: the one that fails because of it; "" if none does.
    """

    def __init__(self, reason: str, rule: str = "") -> None:
        super().__init__(f"{reason}; see '{rule}'" if rule else reason)
        self.reason = reason


@dataclass
class Tally:
    """Gathers what a rule sees; the worst of it is the finding.

    Attributes:
        name: of the rule.
    """

    name: str
    _seen: dict[Level, list[str]] = field(default_factory=dict)
    _remedies: list[str] = field(default_factory=list)

    def well(self, seen: str) -> None:
        """Something is as it should be."""
        self._add(Level.PASSED, seen)

    def warn(self, seen: str, remedy: str) -> None:
        """Something needs a look, but stops nothing."""
        self._add(Level.WARNING, seen, remedy)

    def fail(self, seen: str, remedy: str) -> None:
        """Something would go wrong."""
        self._add(Level.FAILED, seen, remedy)

    @property
    def failed(self) -> bool:
        """Whether something would go wrong."""
        return Level.FAILED in self._seen

    def finding(self) -> Finding:
        """The rule's finding: failures and warnings if there are any, else all that is well.

        A rule that saw nothing was not asked.
        """
        if not self._seen:
            return Finding(self.name, Level.NOT_ASKED, "there was nothing to look at")
        bad = [text for level in (Level.FAILED, Level.WARNING) for text in self._seen.get(level, ())]
        level = next((level for level in (Level.FAILED, Level.WARNING) if level in self._seen), Level.PASSED)
        seen = bad or self._seen.get(Level.PASSED, [])
        return Finding(self.name, level, "; ".join(seen), "; ".join(dict.fromkeys(self._remedies)))

    def _add(self, level: Level, seen: str, remedy: str = "") -> None:
        self._seen.setdefault(level, []).append(seen)
        if remedy:
            self._remedies.append(remedy)
