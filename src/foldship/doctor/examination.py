"""All rules, applied to one push."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from foldship import secrets
from foldship.doctor import rules
from foldship.doctor.account import unreachable
from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding, Level, UnaskedError
from foldship.doctor.rules import Rule
from foldship.kaggle_client.answers import KaggleError
from foldship.mishaps import step


@dataclass(frozen=True)
class Diagnosis:
    """What all rules say, in their order."""

    findings: tuple[Finding, ...]

    @property
    def failed(self) -> tuple[Finding, ...]:
        """What would go wrong."""
        return tuple(finding for finding in self.findings if finding.level is Level.FAILED)

    def as_dict(self) -> dict[str, Any]:
        """JSON-like form."""
        return {
            "passed": not self.failed,
            "rules": {
                finding.name: {
                    "level": str(finding.level),
                    "seen": finding.seen,
                    "remedy": finding.remedy,
                }
                for finding in self.findings
            },
        }


def examine(push: Evidence) -> Diagnosis:
    """Ask every rule; no finding holds a secret."""
    return Diagnosis(
        tuple(
            replace(
                finding,
                seen=secrets.scrub(finding.seen),
                remedy=secrets.scrub(finding.remedy),
            )
            for finding in (ask(rule, push) for rule in rules.RULES)
        )
    )


@step("asking {rule.NAME}")
def ask(rule: Rule, push: Evidence) -> Finding:
    """What one rule says; that it could not be asked, where what it looks at is not to be had."""
    try:
        return rule.check(push)
    except UnaskedError as error:
        return Finding(rule.NAME, Level.NOT_ASKED, str(error))
    except KaggleError as error:
        level = Level.NOT_ASKED if unreachable(error) else Level.FAILED
        return Finding(rule.NAME, level, f"{error.what}: {error.found}", error.fix)
