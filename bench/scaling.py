"""Whole kernels on a hundred times the rows, and with several folds: seconds and memory."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import median

from bench import kernels, texts, timing
from bench.kernels import Finished
from bench.models import Exported, Models
from bench.options import Options
from bench.report import Report, ratio
from foldship.reporting.tables import Table
from foldship_kernel.errors import FoldshipError

WORDS = 8, 16
LONG = 20_000  # rows from which on one run is long enough to be its own mean


def run(options: Options, made: Models, folder: Path) -> Report:
    """Run kernels over more and more rows, then with more and more folds."""
    by_rows, row_ratios = _rows(options, made, folder)
    by_folds, fold_ratios = _folds(options, made, folder)
    return Report(
        "scaling",
        "Many rows, several folds",
        {**row_ratios, **fold_ratios},
        (by_rows, by_folds),
        (
            "The whole kernel, from the start of its process to its end, without the sandbox. Memory is the "
            "peak of the process that predicts.",
            f"Rows: generated, {WORDS[0]} to {WORDS[1]} words a text, all distinct; one fold of a BERT "
            "of two layers, 128 wide.",
            f"Folds: all-MiniLM-L6-v2, no weight in common, {options.size.fold_rows} such rows.",
            f"Medians of {options.size.rounds} runs, one run from {LONG:,} rows on.",
        ),
    )


def _rows(options: Options, made: Models, folder: Path) -> tuple[Table, dict[str, float]]:
    size = options.size
    built = kernels.build(made.small, folder / "rows", folds=1)
    finished: dict[int, list[Finished]] = {}
    for rounds, counts in (
        (size.rounds, [count for count in size.scaling_rows if count < LONG]),
        (1, [count for count in size.scaling_rows if count >= LONG]),
    ):
        tests = {count: _input(folder, count) for count in counts}
        runs = {count: (built, test) for count, test in tests.items()}
        finished |= _run_all(runs, rounds, folder / "scratch", "rows")
    seconds, memory = _medians(finished)
    least = size.scaling_rows[0]
    ratios: dict[str, float] = {}
    for count in size.scaling_rows[1:]:
        ratios |= ratio(
            f"seconds_per_row_{count}_rows",
            f"{least}_rows",
            ours=seconds[count] / count,
            theirs=seconds[least] / least,
        )
        ratios |= ratio(f"memory_{count}_rows", f"{least}_rows", ours=memory[count], theirs=memory[least])
    lines = tuple(
        (
            f"{count:,}",
            f"{seconds[count]:.1f}",
            f"{1000 * seconds[count] / count:.2f}",
            f"{memory[count]:.2f}",
            f"{memory[count] / memory[least]:.2f}",
        )
        for count in size.scaling_rows
    )
    header = ("rows", "seconds", "ms a row", "peak GiB", f"times {least} rows' memory")
    return Table("Rows", header, lines), ratios


def _folds(options: Options, made: Models, folder: Path) -> tuple[Table, dict[str, float]]:
    size = options.size
    test = _input(folder, size.fold_rows)
    runs = {folds: (_bundle(made.rows, folder, folds), test) for folds in size.folds}
    seconds, memory = _medians(_run_all(runs, size.rounds, folder / "scratch", "folds"))
    ratios: dict[str, float] = {}
    for folds in size.folds[1:]:
        ratios |= ratio(
            f"seconds_per_fold_{folds}_folds", "1_fold", ours=seconds[folds] / folds, theirs=seconds[1]
        )
        ratios |= ratio(f"memory_{folds}_folds", "1_fold", ours=memory[folds], theirs=memory[1])
    lines = tuple(
        (str(folds), f"{seconds[folds]:.1f}", f"{memory[folds]:.2f}", f"{memory[folds] / memory[1]:.2f}")
        for folds in size.folds
    )
    return Table("Folds", ("folds", "seconds", "peak GiB", "times one fold's memory"), lines), ratios


def _input(folder: Path, count: int) -> Path:
    place = folder / f"test-{count}"
    return (
        place
        if place.is_dir()
        else kernels.write_input(place, texts.rows(count, words=WORDS, repeated=False))
    )


def _bundle(exported: Exported, folder: Path, folds: int) -> Path:
    return kernels.build(exported, folder / f"folds-{folds}", folds=folds)


def _run_all(
    runs: Mapping[int, tuple[Path, Path]], rounds: int, scratch: Path, describe: str
) -> dict[int, list[Finished]]:
    """Run the kernels (bundle, test files) in turn."""
    if not runs:
        return {}
    tasks = {str(key): partial(kernels.run, *run, scratch) for key, run in runs.items()}
    timed = timing.interleave(
        tasks, rounds, warm_up=dict.fromkeys(tasks, lambda: None), describe=f"scaling {describe}"
    )
    if timed.failures:
        raise FoldshipError("scaling: a kernel failed", found="; ".join(timed.failures.values()))
    return {key: timed.outputs[str(key)] for key in runs}


def _medians(finished: Mapping[int, list[Finished]]) -> tuple[dict[int, float], dict[int, float]]:
    """Seconds and GiB of each."""
    return (
        {key: median(run.seconds for run in runs) for key, runs in finished.items()},
        {key: median(run.memory_gib for run in runs) for key, runs in finished.items()},
    )
