"""The fastest engine for a kernel's CPU that still predicts what the folds have learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from foldship import metrics
from foldship.export import candidates, parity, speed
from foldship.export.candidates import CANDIDATES, REFERENCE, Candidate
from foldship.export.draft import Draft
from foldship.export.engine_trial import CHOSEN, Trial
from foldship.export.parity import ParityError
from foldship.export.samples import HeldOut, Rows
from foldship.modelling.library import Card
from foldship_kernel.errors import FoldshipError

# A less exact engine must be so many times as fast as a more exact one: timings vary, the choice should not.
MARGIN = 1.15
# What an engine may cost of the mean Spearman correlation with the truth: no more than a post-processing step
# must win to be worth its while.
LARGEST_DROP = 0.002
# The least rank correlation of any column with what the trained folds predict.
LOWEST_RANK = 0.99


def choose(
    card: Card,
    rows: Rows,
    drafts: Sequence[Draft],
    held_out: Mapping[int, HeldOut],
    wanted: str,
    before: Sequence[Trial] = (),
) -> tuple[Candidate, list[Trial]]:
    """Choose one engine for all folds of a model.

    Args:
        card: the model.
        rows: the parity ladder's rows.
        drafts: the model's folds.
        held_out: per fold, rows that it was not trained on; where there are none, only ONNX Runtime in fp32
            can be used.
        wanted: a candidate's name, or "auto" for the fastest that is good enough.
        before: what came of each candidate when "auto" was decided for just these folds; if the engine chosen
            then is still good enough, it is the choice, and nothing is timed again.

    Returns:
        The choice, and what came of each candidate.

    Raises:
        FoldshipError: the engine that was asked for cannot be used, or does not predict what the folds do.
    """
    if wanted != candidates.AUTO:
        return _asked_for(card, rows, drafts, held_out, wanted)
    if not held_out:
        return REFERENCE, [Trial(REFERENCE.name, f"{CHOSEN}: no rows are known to try others on")]
    if kept := _still_good(card, rows, drafts, held_out, before):
        return kept, list(before)
    trials = {
        candidate.name: Trial(candidate.name, candidates.obstacle(candidate)) for candidate in CANDIDATES
    }
    usable = [candidate for candidate in CANDIDATES if not trials[candidate.name].verdict]
    first = drafts[0]
    opened = {candidate.name: first.open(candidate) for candidate in usable}
    speeds = speed.measure(opened, held_out[first.fold].rows, card.encoding)
    for name, found in speeds.items():
        trials[name].tokens_per_second = found
    best = REFERENCE
    for candidate in usable[1:]:
        trial = trials[candidate.name]
        if speeds[candidate.name] < MARGIN * speeds[best.name]:
            trial.verdict = f"not clearly faster than {best.name}"
        elif fault := examine(card, rows, drafts, held_out, candidate, trial):
            trial.verdict = f"rejected: {fault}"
        else:
            trials[best.name].verdict = f"slower than {candidate.name}"
            best = candidate
    trials[best.name].verdict = CHOSEN
    return best, list(trials.values())


def _still_good(
    card: Card,
    rows: Rows,
    drafts: Sequence[Draft],
    held_out: Mapping[int, HeldOut],
    before: Sequence[Trial],
) -> Candidate | None:
    """The engine that was chosen before; None where none was, or it is not good enough on this machine."""
    name = next((trial.engine for trial in before if trial.chosen), None)
    candidate = next((candidate for candidate in CANDIDATES if candidate.name == name), None)
    if candidate is None or candidates.obstacle(candidate):
        return None
    if candidate is not REFERENCE and examine(card, rows, drafts, held_out, candidate, Trial(candidate.name)):
        return None
    return candidate


def _asked_for(
    card: Card, rows: Rows, drafts: Sequence[Draft], held_out: Mapping[int, HeldOut], wanted: str
) -> tuple[Candidate, list[Trial]]:
    candidate = next(candidate for candidate in CANDIDATES if candidate.name == wanted)
    trial = Trial(wanted, "asked for")
    if candidate is not REFERENCE:
        fault = candidates.obstacle(candidate) or (
            examine(card, rows, drafts, held_out, candidate, trial)
            if held_out
            else "no rows are known that the folds did not learn from, to try it on"
        )
        if fault:
            raise FoldshipError(
                f"model {card.name}: cpu_engine {wanted} cannot be used",
                found=fault,
                fix=candidates.INSTEAD,
            )
    return candidate, [trial]


def examine(
    card: Card,
    rows: Rows,
    drafts: Sequence[Draft],
    held_out: Mapping[int, HeldOut],
    candidate: Candidate,
    trial: Trial,
) -> str:
    """Compare a candidate with the trained folds; what is seen goes into `trial`.

    Returns:
        What is wrong with it; empty if nothing is.
    """
    differences, scores, trained_scores, ranks = [], [], [], []
    for draft in drafts:
        graphs, sample = draft.open(candidate), held_out[draft.fold]
        try:
            outputs = parity.outputs(card, graphs, rows)
            parity.check(candidate.rung, outputs, draft.fused, card.targets, f"fold {draft.fold}")
        except ParityError as error:
            return f"{error.what}: {error.found}, {error.expected}"
        found = parity.outputs(card, graphs, sample.rows)
        differences.append(float(np.abs(found - sample.trained).max()))
        scores.append(metrics.mean_spearman(sample.truth, found))
        trained_scores.append(metrics.mean_spearman(sample.truth, sample.trained))
        same = metrics.column_spearman(sample.trained, found)[~metrics.is_constant(sample.trained)]
        ranks.append(float(np.nan_to_num(same).min(initial=1.0)))
    trial.difference = max(differences)
    trial.spearman, trial.trained_spearman = float(np.mean(scores)), float(np.mean(trained_scores))
    trial.lowest_rank = min(ranks)
    drop = trial.trained_spearman - trial.spearman
    if not drop <= LARGEST_DROP:
        return f"it lowers the score by {drop:.4f}, more than {LARGEST_DROP:g}"
    if not trial.lowest_rank >= LOWEST_RANK:
        return f"it ranks a column otherwise: {trial.lowest_rank:.4f}, less than {LOWEST_RANK:g}"
    return ""
