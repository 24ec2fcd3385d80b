"""Tables of text from the stages' JSON; the terminal and the HTML page show the same ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foldship.levels import Level

Json = Mapping[str, Any]
NOTHING = "-"


@dataclass(frozen=True)
class Table:
    """A table to show.

    Attributes:
        title: what it is.
        header: column names; all but the first are set to the right, see `left`.
        rows: cells, as many as there are column names.
        caption: how to read it.
        left: positions of further columns that hold words.
        alarming: positions of rows that need a person's attention.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    left: frozenset[int] = frozenset()
    alarming: frozenset[int] = frozenset()


def parity(models: Sequence[Json]) -> Table:
    """Differences between what was trained and what ships, from each model's `parity.json`."""
    rows: list[tuple[str, ...]] = []
    alarming: set[int] = set()
    for model in models:
        for fold in model["folds"]:
            for rung in fold["rungs"]:
                if rung.get("needed", True) and not rung["difference"] <= rung["tolerance"]:
                    alarming.add(len(rows))
                seen = rung["difference"]
                difference = "not finite" if seen is None else f"{seen:.1e}"
                tolerance = f"{rung['tolerance']:.0e}" if rung.get("needed", True) else "not needed on a CPU"
                rows.append((model["model"], str(fold["fold"]), rung["rung"], difference, tolerance))
            worst = number(fold["lowest_spearman"], 6)
            rows.append((model["model"], str(fold["fold"]), "lowest Spearman, end to end", worst, ""))
    return Table(
        "Parity of the exported models",
        ("model", "fold", "rung", "seen", "allowed"),
        tuple(rows),
        "Seen: the largest difference of any output on real texts of all lengths, against the rung before; "
        "end to end, the lowest rank correlation of a column.",
        left=frozenset({2}),
        alarming=frozenset(alarming),
    )


def cpu_engines(models: Mapping[str, Json]) -> Table:
    """What was tried to run each model on a CPU, from the models' `export.json`."""
    rows: list[tuple[str, ...]] = []
    trained: list[str] = []
    for name, summary in models.items():
        trials = summary["cpu_engines"]
        reference = trials[0]["tokens_per_second"]
        for trial in trials:
            speed, difference = trial["tokens_per_second"], trial["difference"]
            rows.append(
                (
                    name,
                    trial["engine"],
                    NOTHING if speed is None else f"{speed:,.0f}",
                    NOTHING if speed is None else f"{speed / reference:.2f}",
                    NOTHING if difference is None else f"{difference:.1e}",
                    number(trial["spearman"]),
                    trial["verdict"],
                )
            )
        known = [trial["trained_spearman"] for trial in trials if trial["trained_spearman"] is not None]
        trained += [f"{name} {number(score)}" for score in known[:1]]
    scores = f" The trained folds themselves: {', '.join(trained)}." if trained else ""
    return Table(
        "CPU engines",
        ("model", "engine", "tokens/s", "ratio", "difference", "Spearman", "verdict"),
        tuple(rows),
        "Speed on this machine. Largest difference of any output to the trained folds, and out-of-fold "
        f"Spearman on a sample, of engines that are fast enough to be chosen.{scores}",
        left=frozenset({1, 6}),
    )


def score_against_time(schedule: Json) -> Table:
    """What is expected of a run that ends early, from `schedule.json`."""
    rows: list[tuple[str, ...]] = []
    elapsed, before = 0.0, None
    for unit in schedule["units"]:
        elapsed += unit["seconds"]
        gain = None if before is None or unit["score"] is None else unit["score"] - before
        before = unit["score"]
        done = (f"{unit['seconds']:.2f}", f"{elapsed:.2f}", number(before), signed(gain))
        rows.append((f"{unit['model']} fold {unit['fold']}", *done))
    return Table(
        "Score against time",
        ("fold", "seconds", "seconds so far", "expected score", "gain"),
        tuple(rows),
        "The kernel runs the folds in this order, and stops when time is up. Seconds are the cost model's, "
        "for 1,000 rows on the machine that the kernel asks for. Expected: the nested out-of-fold score of "
        "the models so far, and what averaging more folds of them adds, as estimated."
        + "".join(f" Note: {note}." for note in schedule["notes"]),
    )


def checks(verdict: Json) -> Table:
    """What the rehearsal checked, from `verdict.json`."""
    found = list(verdict["checks"].items())
    return Table(
        f"Rehearsal: {outcome([level(check) for _, check in found])}",
        ("check", "verdict", "seen", "remedy"),
        tuple((name, level(check), check["seen"], check["remedy"]) for name, check in found),
        f"Isolation: {verdict['isolation']['mechanism']}.",
        left=frozenset({1, 2, 3}),
        alarming=alarming([level(check) for _, check in found]),
    )


def level(check: Json) -> Level:
    """How a check was answered; files of earlier versions hold only whether it passed."""
    return (
        Level(check["level"])
        if "level" in check
        else Level.of(check["passed"], warned=check.get("warned", False))
    )


def outcome(levels: Sequence[Level]) -> str:
    """What came of several checks, for a title: a check that nobody could make has not passed."""
    counts = Counter(levels)
    others = [
        f"{counts[kind]} {words}"
        for kind, words in (
            (Level.WARNING, "with a warning" if counts[Level.WARNING] == 1 else "with warnings"),
            (Level.NOT_ASKED, str(Level.NOT_ASKED)),
        )
        if counts[kind]
    ]
    if counts[Level.FAILED]:
        return ", ".join([f"FAILED, {counts[Level.FAILED]} of {len(levels)}", *others])
    if not counts[Level.PASSED] + counts[Level.WARNING]:
        return "no check was made"
    return ", ".join(["all checks passed" if not counts[Level.NOT_ASKED] else "passed", *others])


def alarming(levels: Sequence[Level]) -> frozenset[int]:
    """Places of the checks that need a person's attention."""
    return frozenset(place for place, found in enumerate(levels) if found in (Level.FAILED, Level.WARNING))


def phases(verdict: Json) -> Table:
    """Where the kernel's time went, from `verdict.json`."""
    rows = [(name, f"{seconds:.1f}") for name, seconds in verdict["phases"].items()]
    if verdict["seconds"] is not None:
        rows.append(("all, start to end", f"{verdict['seconds']:.1f}"))
    return Table(
        "The kernel's run",
        ("phase", "seconds"),
        tuple(rows),
        f"Peak memory {verdict['peak_memory_gib']:.2f} GiB.",
    )


def projection(verdict: Json) -> Table | None:
    """When each fold is in the submission on the projected machine, from `verdict.json`; None without one."""
    found = verdict.get("projection")
    if found is None:
        return None
    machines = [found, *filter(None, [found.get("without_gpu")])]
    names = [machine["profile"] for machine in machines]
    steps = found["score_against_time"]
    done = [[f"{entry['seconds']:,.1f}" for entry in machine["score_against_time"]] for machine in machines]
    words = [outlook(found), *(f"Should it get no GPU: {outlook(machine)}" for machine in machines[1:])]
    return Table(
        f"Projection: {found['rows']:,} rows on {' and on '.join(names)}",
        ("fold", *(f"done after s, {name}" for name in names), "expected score"),
        tuple(
            (entry["fold"], *seconds, number(entry["score"]))
            for entry, *seconds in zip(steps, *done, strict=True)
        ),
        " ".join(words),
        alarming=frozenset(place for place, entry in enumerate(steps) if entry["seconds"] > found["limit_s"]),
    )


def outlook(projection: Json) -> str:
    """What a projection promises, in a sentence for people."""
    words = (
        f"On {projection['profile']}, {projection['rows']:,} rows take about {projection['seconds']:,.0f} s "
        f"(at worst {projection['seconds_at_worst']:,.0f} s) of {projection['limit_s']:,.0f} s: "
        f"margin {projection['margin']:.0%}."
    )
    if projection["expected_score"] is not None:
        words += f" Expected score {projection['expected_score']:.2f}."
    if projection.get("measured_error") is not None:
        words += f" This run itself was projected with an error of {projection['measured_error']:+.0%}."
    return words


def step(value: Json | None) -> str:
    """A post-processing step in words."""
    if value is None:
        return ""
    numbers = {name: shown for name, shown in value.items() if isinstance(shown, int | float)}
    details = [f"{name} {shown:.4g}" for name, shown in numbers.items() if shown is not True]
    details += [f"{len(shown)} {name}" for name, shown in value.items() if isinstance(shown, list | tuple)]
    return " ".join([value["kind"], *details])


def share(weight: float | Sequence[float] | None) -> str:
    """A model's weight; where targets have weights of their own, the lowest to the highest."""
    if isinstance(weight, Sequence):
        return f"{number(min(weight), 2)} to {number(max(weight), 2)}"
    return number(weight)


def number(value: float | None, digits: int = 4) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def signed(value: float | None) -> str:
    return NOTHING if value is None else f"{value:+.4f}"


def mebibytes(size: int) -> str:
    return f"{size / 2**20:.2f}"
