"""There is a submission, and it is a table."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "submission present"


def check(run: Evidence) -> Finding:
    if run.submission_path is None:
        return Finding(
            NAME,
            False,
            "no /kaggle/working/submission.csv",
            "write it there, however the run goes: Kaggle answers 'Submission CSV Not Found'",
        )
    if run.submission is None:
        return Finding(NAME, False, run.submission_error, "write plain CSV with one header line, in UTF-8")
    return Finding(NAME, True, f"{len(run.submission):,} rows")
