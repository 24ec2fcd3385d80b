"""Tables of scores, from `selection.json`."""

from __future__ import annotations

from foldship.reporting.tables import NOTHING, Json, Table, number, share, signed, step


def summary(selection: Json) -> Table:
    """Scores of each model and of the blend, from `selection.json`."""
    scores, both = selection["scores"], ("all", "without_rare")
    rows: list[tuple[str, ...]] = [
        (
            name,
            share(selection["weights"].get(name)),
            *map(number, (model["score"], model["score_without_rare"])),
        )
        for name, model in selection["models"].items()
    ]
    for label, kind in (
        ("blend, all rows", "pooled"),
        ("blend, mean of folds", "raw"),
        ("post-processed, nested", "nested"),
    ):
        rows.append((label, "", *(number(scores[name][kind]) for name in both)))
    for name, found in selection["also"].items():
        words = name.replace("_", " ")
        rows += [(f"{words}, {kind}", "", number(found[kind]), "") for kind in ("raw", "nested")]
    everything, common = (scores[name]["columns"] for name in both)
    left_out = f" Left out of the {common}: {', '.join(selection['rare'])}." if selection["rare"] else ""
    unit = "classes" if selection["confusion"] else "columns"
    return Table(
        "Out-of-fold scores",
        ("what", "weight", f"{everything} {unit}", f"{common} {unit}"),
        tuple(rows),
        f"{metric_words(selection)} over {selection['rows']} rows. Models and the blend's first line are "
        "scored with all rows together, the lines below fold by fold. Nested: each fold was "
        "post-processed with what was fitted and chosen on the others." + left_out,
    )


def metric_words(selection: Json) -> str:
    """What is scored, from `selection.json`."""
    name = selection["metric"].replace("_", " ")
    return f"{name.capitalize()} of classes" if selection["confusion"] else f"Mean column-wise {name}"


def column_score(selection: Json) -> str:
    """What a column's own score is: of classes, whose metric is one for all, their F1."""
    return "F1" if selection["confusion"] else str(selection["metric"].replace("_", " "))


def bands(selection: Json) -> Table | None:
    """How far off predictions are, by bands of the truth; None where that is not known."""
    if not selection["bands"]:
        return None
    return Table(
        "Errors by band of the truth",
        ("target", "from", "to", "rows", "mean error", "bias", "pearson within"),
        tuple(
            (
                band["target"],
                f"{band['low']:.4g}",
                f"{band['high']:.4g}",
                str(band["rows"]),
                number(band["error"]),
                signed(band["bias"]),
                number(band["pearson"]),
            )
            for band in selection["bands"]
        ),
        "Of the post-processed predictions, nested; in the target's own units.",
    )


def trials(selection: Json) -> Table | None:
    """The ways to blend that were tried, from `selection.json`; None where none was."""
    if not selection.get("trials"):
        return None
    return Table(
        "Ways to blend",
        ("method", "nested score", "gain", "better"),
        tuple(
            (trial["method"], number(trial["score"]), signed(trial["gain"]), f"{trial['better']:.0%}")
            for trial in selection["trials"]
        ),
        "Mean of the folds over all columns, each fold blended with what was fitted on the others. Better: "
        "in how many resamples of the groups it beats the plain mean. Chosen: "
        f"{selection['blend']['method']}.",
    )


def folds(selection: Json) -> Table:
    """Scores by fold, from `selection.json`."""
    kinds = ("raw", "nested", "raw_without_rare", "nested_without_rare")
    return Table(
        "Scores by fold",
        ("fold", "rows", "raw", "nested", "raw, without rare", "nested, without rare"),
        tuple(
            (str(fold["fold"]), str(fold["rows"]), *(number(fold[kind]) for kind in kinds))
            for fold in selection["folds"]
        ),
    )


def columns_by_fold(selection: Json) -> Table:
    """Raw score of every target in every fold, from `selection.json`."""
    return Table(
        "Raw scores by column and fold",
        ("target", *(f"fold {fold['fold']}" for fold in selection["folds"])),
        tuple((column["target"], *map(number, column["folds"])) for column in selection["columns"]),
        f"{NOTHING} where the target has one value only in the fold.",
    )


def columns(selection: Json) -> Table:
    """Scores and post-processing by target, from `selection.json`."""
    rows, gate = [], selection["processing"]
    least = f"{gate['minimum_gain']:g}"
    if gate["leniency"]:
        least += f", less {gate['leniency']:g} standard errors of that gain,"
    if gate["stability"]:
        least += f" and helps in {gate['stability']:.0%} of small samples,"
    for column in selection["columns"]:
        raw, nested = column["raw"], column["nested"]
        gain = None if raw is None or nested is None else nested - raw
        rows.append((column["target"], number(raw), number(nested), signed(gain), step(column["step"])))
    return Table(
        "Scores by column",
        ("target", "raw", "nested", "gain", "post-processing"),
        tuple(rows),
        f"Means of the folds' {column_score(selection)}; {NOTHING} where no fold can be scored. Nested and "
        "gain: each fold was left out of fitting and of choosing. Post-processing: what ships, chosen with "
        f"no fold left out, where fitting on the others gains {least} in the mean; so a step may stand "
        "beside a smaller gain, or none. See docs/postprocessing.md.",
        left=frozenset({4}),
    )
