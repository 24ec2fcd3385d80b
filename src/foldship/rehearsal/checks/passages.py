"""Where models read passages that are found for a row, all rows were looked up, by words and by meaning."""

from __future__ import annotations

from collections.abc import Mapping

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "passages found"
REMEDY = "read kernel.log for what went wrong; give more time (LIMIT=) where that was short"


def check(run: Evidence) -> Finding:
    spec = run.task.retrieval
    if spec is None:
        return Finding(NAME, None, "this competition's models read none")
    told = run.summary.get("retrieval")
    if not isinstance(told, Mapping):
        return Finding(NAME, False, "rows were read without passages", REMEDY)
    rows, by_meaning = told.get("rows", 0), told.get("by_meaning", 0)
    seen = f"{rows:,} rows looked up among {told.get('passages', 0):,} passages"
    wanted = len(run.template)
    if rows != wanted:
        return Finding(NAME, False, f"{seen}, of {wanted:,}", REMEDY)
    if spec.dense > 0 and by_meaning < rows:
        return Finding(NAME, False, f"{seen}, {rows - by_meaning:,} of them by words only", REMEDY)
    return Finding(NAME, True, seen)
