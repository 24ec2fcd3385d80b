"""Where a kernel's seconds go."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from bench import kernels, texts
from bench.models import ROW_TOKENS, Models
from bench.options import Options
from bench.repeats import WORDS
from bench.report import Report
from foldship.reporting.tables import Table

OTHER = "outside the worker"


def run(options: Options, made: Models, folder: Path) -> Report:
    """Run one kernel a few times, and read its journal."""
    size = options.size
    built = kernels.build(made.rows, folder / "bundle", folds=1)
    test = kernels.write_input(folder / "test", texts.rows(size.repeated_rows, words=WORDS, repeated=True))
    runs = [kernels.run(built, test, folder / "scratch") for _ in range(size.rounds)]
    seconds = median(run.seconds for run in runs)
    phases = {
        name: median(run.journal["phases"].get(name, 0.0) for run in runs)
        for name in runs[0].journal["phases"]
    }
    phases[OTHER] = max(0.0, seconds - sum(phases.values()))
    return Report(
        "profile",
        "Where the seconds go",
        {},
        (
            Table(
                f"{size.repeated_rows} rows, one fold",
                ("phase", "seconds", "share"),
                tuple((name, f"{part:.2f}", f"{part / seconds:.1%}") for name, part in phases.items()),
            ),
        ),
        (
            f"Medians of {size.rounds} runs of a whole kernel, all-MiniLM-L6-v2, two towers of at most "
            f"{ROW_TOKENS} tokens: {seconds:.1f} s from the start of the process to its end. Phases may "
            "overlap.",
        ),
    )
