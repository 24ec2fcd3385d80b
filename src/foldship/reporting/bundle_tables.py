"""Tables about a bundle: what it weighs, under which licences it stands, and whether it is whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from foldship.reporting import tables
from foldship.reporting.tables import NOTHING, Json, Table, mebibytes


def sizes(manifest: Json) -> Table:
    """What the dataset weighs, from `bundle.json`."""
    total: dict[str, int] = defaultdict(int)
    count: dict[str, int] = defaultdict(int)
    for entry in manifest["files"]:
        folder, slash, _ = entry["path"].partition("/")
        kind = folder + "/" if slash else "metadata"
        total[kind] += entry["size"]
        count[kind] += 1
    rows = [(kind, str(count[kind]), mebibytes(total[kind])) for kind in sorted(total)]
    rows.append(("all", str(sum(count.values())), mebibytes(sum(total.values()))))
    datasets = manifest.get("parts", {}).get("datasets", ())
    for part, dataset in enumerate(datasets, start=1):
        files = [entry for entry in manifest["files"] if entry.get("part", 1) == part]
        rows.append((f"in {dataset}", str(len(files)), mebibytes(sum(entry["size"] for entry in files))))
    return Table("The bundle's dataset" + "s" * bool(datasets), ("what", "files", "MiB"), tuple(rows))


def weights(manifest: Json) -> Table:
    """What the weights take beside plain checkpoints, from `bundle.json`."""
    found = manifest["sizes"]
    whole = found["fp32_checkpoints"]
    left = whole - found["saved_by_fp16"] - found["saved_by_sharing"] + found["added_for_cpu"]
    steps = (
        (f"{found['folds']} checkpoints in fp32", whole),
        ("saved by fp16", -found["saved_by_fp16"]),
        ("saved by shared tensors", -found["saved_by_sharing"]),
        ("added for the CPU's own graph", found["added_for_cpu"]),
        ("what ships", left),
    )
    return Table(
        "Weights, against one checkpoint per fold",
        ("what", "MiB", "share"),
        tuple((what, mebibytes(size), f"{size / whole:.0%}" if whole else NOTHING) for what, size in steps),
        "Four bytes for every parameter of encoder and head in every fold; then what storing them in half "
        "precision saves, and what storing once what folds have in common saves on top.",
    )


def licences(manifest: Json) -> Table:
    """Under which licences the bundle's contents stand, from `bundle.json`."""
    return Table(
        "Licences",
        ("what", "name", "version", "licence", "source"),
        tuple(
            tuple(entry[key] or NOTHING for key in ("kind", "name", "version", "licence", "source"))
            for entry in manifest["licences"]
        ),
        "Of wheels as their metadata has it, of weights as their model card has it.",
        left=frozenset({1, 2, 3, 4}),
    )


def bundle_check(found: Sequence[Json]) -> Table:
    """What a check of a bundle that is there has found."""
    levels = [tables.level(verdict) for verdict in found]
    return Table(
        f"The bundle: {tables.outcome(levels)}",
        ("check", "verdict", "seen", "remedy"),
        tuple(
            (verdict["name"], level, verdict["seen"], verdict["remedy"])
            for verdict, level in zip(found, levels, strict=True)
        ),
        left=frozenset({1, 2, 3}),
        alarming=tables.alarming(levels),
    )


def wheelhouse(house: Json) -> Table:
    """What the images lack and the bundle brings, from what the builder returned: a line for each wheel."""
    by_wheel: dict[str, list[Json]] = defaultdict(list)
    for entry in house["entries"]:
        by_wheel[entry["wheel"]].append(entry)
    rows = []
    for wheel, entries in sorted(by_wheel.items()):
        places: dict[str, list[str]] = defaultdict(list)
        for entry in entries:
            places[entry["image"]].append(entry["python"])
        where = ", ".join(f"{image} ({', '.join(pythons)})" for image, pythons in places.items())
        reasons = "; ".join(dict.fromkeys(entry["why"] for entry in entries))
        rows.append((wheel, mebibytes(entries[0]["size"]), where, reasons))
    proven = "; ".join(house["proven"])
    return Table(
        "The wheelhouse",
        ("wheel", "MiB", "for", "why"),
        tuple(rows),
        f"Proven to install without a network, nothing of the image replaced: {proven}."
        if proven
        else "Given wheels: whether they are all that is needed was not proven.",
        left=frozenset({2, 3}),
    )
