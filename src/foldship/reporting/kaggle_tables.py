"""Tables about what Kaggle would say of a bundle, and what it said."""

from __future__ import annotations

from foldship.levels import Level
from foldship.reporting.tables import Json, Table


def diagnosis(found: Json) -> Table:
    """What the doctor found, from its diagnosis as a mapping."""
    rules = list(found["rules"].items())
    levels = [Level(rule["level"]) for _, rule in rules]
    failed = frozenset(place for place, level in enumerate(levels) if level is Level.FAILED)
    unasked = levels.count(Level.NOT_ASKED)
    return Table(
        "Before a push: "
        + (f"FAILED, {len(failed)} of {len(rules)}" if failed else "nothing in the way")
        + (f", {unasked} not asked" if unasked else ""),
        ("rule", "answer", "seen", "remedy"),
        tuple((name, rule["level"], rule["seen"], rule["remedy"]) for name, rule in rules),
        left=frozenset({1, 2, 3}),
        alarming=failed,
    )


def push(metadata: Json, facts: Json) -> Table:
    """What a push left on Kaggle, from `kernel-metadata.json` and `push.json`."""
    kernel, compared, submission = (facts[name] for name in ("kernel", "compared", "submission"))
    rows = [
        ("datasets", ", ".join(metadata["dataset_sources"])),
        ("kernel", f"{kernel.get('ref', metadata['id'])}, version {kernel['version']}"),
        ("page", kernel["url"]),
        ("run", f"{compared['folds']} folds, {compared['seconds']} s"),
        (
            "against the rehearsal",
            f"{compared['rows']:,} rows, largest difference {compared['largest']:.2g}, lowest rank "
            f"correlation {compared['lowest_rank_correlation']:.6f}",
        ),
    ]
    if submission:
        rows.append(("submission", f"{submission['ref']}, public score {submission['score'] or 'not shown'}"))
    return Table("On Kaggle", ("what", "seen"), tuple(rows), left=frozenset({1}))
