"""What came of an engine that was tried for a model."""

from __future__ import annotations

from dataclasses import dataclass

CHOSEN = "chosen"


@dataclass
class Trial:
    """What came of a candidate.

    Attributes:
        engine: the candidate's name.
        verdict: whether it was chosen, or why not.
        tokens_per_second: on the first fold, of one core.
        difference: the largest of any output to the trained folds', on rows held out.
        spearman, trained_spearman: mean correlation with the truth there, its own and the trained folds'.
        lowest_rank: the lowest rank correlation of a column with the trained folds'.
    """

    engine: str
    verdict: str = ""
    tokens_per_second: float | None = None
    difference: float | None = None
    spearman: float | None = None
    trained_spearman: float | None = None
    lowest_rank: float | None = None

    @property
    def chosen(self) -> bool:
        """Whether this engine is the choice."""
        return self.verdict.split(":")[0] == CHOSEN
