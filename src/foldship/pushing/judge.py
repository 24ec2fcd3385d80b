"""Step seven: what Kaggle's run computed is what the rehearsal computed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foldship.pushing.comparison import LEAST_RANK_CORRELATION, MOST_APART, Comparison, compare
from foldship.pushing.follow import LOG, OUTPUT, SUBMISSION
from foldship.pushing.job import Job
from foldship_kernel.errors import FoldshipError

FACTS = "foldship.json"
COMPLETE = "complete"
CUDA = "CUDAExecutionProvider"


def judge(job: Job) -> None:
    """Compare the run's submission and its account of itself with the rehearsal's.

    Raises:
        FoldshipError: folds are missing, a GPU that was asked for was not used, or the numbers differ.
    """
    output = job.out / OUTPUT
    facts = _account(output)
    _check_account(job, facts, output)
    found = compare(job.rehearsal / SUBMISSION, output / SUBMISSION, job.task)
    if not found.equal:
        raise FoldshipError(
            "Kaggle's submission is not the rehearsal's",
            expected=f"at most {MOST_APART:.0%} of the cells further apart than fp16 explains, and every "
            f"column's rank correlation at least {LEAST_RANK_CORRELATION}",
            found=_described(found),
            fix=f"compare {output / LOG} with {job.rehearsal / LOG}: other folds, provider or versions?",
        )
    job.record.put(
        "compared",
        {
            "rows": found.rows,
            "largest": found.largest,
            "mean": found.mean,
            "apart": found.apart,
            "lowest_rank_correlation": found.lowest,
            "seconds": facts.get("seconds"),
            "folds": len(facts.get("folds_used") or ()),
        },
    )
    job.progress.say(f"the run computed what the rehearsal did: {_described(found)}")


def _described(found: Comparison) -> str:
    worst = min(found.correlations, key=lambda name: found.correlations[name], default="-")
    return (
        f"{found.rows:,} rows, largest difference {found.largest:.2g}, {found.apart:.2%} of the cells apart, "
        f"lowest rank correlation {found.lowest:.6f} ({worst})"
    )


def _check_account(job: Job, facts: Mapping[str, Any], output: Path) -> None:
    if facts.get("status") != COMPLETE:
        reasons = [f"{fold}: {why}" for fold, why in (facts.get("folds_left_out") or {}).items()]
        reasons += [f"{fold}: read shorter" for fold in facts.get("folds_cut") or ()]
        raise FoldshipError(
            f"the run on Kaggle was {facts.get('status', 'not accounted for')}, not {COMPLETE}",
            expected="every fold used",
            found="; ".join(reasons) or f"no reason in {output / FACTS}",
            fix=f"read {output / LOG}; more time: limit_s in kernel.yaml; fewer folds: the recipe",
        )
    providers = {str(run.get("provider")) for run in facts.get("runs") or ()}
    if job.metadata.get("enable_gpu") and providers and CUDA not in providers:
        raise FoldshipError(
            "the kernel has a GPU on Kaggle but did not use it",
            expected=CUDA,
            found=", ".join(sorted(providers)),
            fix="`make image`, push that kernel, import its print-out and bundle again: the image's CUDA and "
            "the wheel's must be the same",
        )


def _account(output: Path) -> dict[str, Any]:
    try:
        value = json.loads((output / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FoldshipError(
            f"{output / FACTS}: cannot be read", found=str(error), fix=f"read {output / LOG}, and push again"
        ) from error
    return value if isinstance(value, dict) else {}
