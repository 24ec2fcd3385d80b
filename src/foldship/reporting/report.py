"""One self-contained HTML page about the last run of a competition, from its JSON files only."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from foldship.mishaps import step
from foldship.reporting import bundle_tables, pictures, score_tables, tables
from foldship.reporting.paths import hidden
from foldship_kernel import manifest
from foldship_kernel.atomic import write_text
from foldship_kernel.errors import FoldshipError

FILE_NAME = "report.html"
SHOWN = 9  # targets whose distributions are pictured


@dataclass(frozen=True)
class Section:
    """A table or a picture under a title; `image` is a data URL."""

    title: str
    table: tables.Table | None = None
    image: str = ""
    caption: str = ""


@step("writing the report of {build.name}")
def write(build: Path, run: Mapping[str, Any] | None = None) -> Path:
    """Write the report of a competition.

    Shows what is there: scores need `selection/`, the other tables `export/*/parity.json`,
    `schedule/schedule.json`, `dataset/bundle.json` and `simulation/verdict.json`. What is missing is named on
    the page, with the command that makes it.

    Args:
        build: `build/<competition>`.
        run: `run.json` of the run that the selection is of, where it was kept.

    Returns:
        The page, `report.html` in `build`; no other file and no network is needed to read it, and it names no
        folder of this machine.

    Raises:
        FoldshipError: there is no selection yet, or a file cannot be understood.
    """
    selection = _read(build / "selection" / "selection.json")
    if selection is None:
        raise FoldshipError(
            f"{build}: there is nothing to report yet",
            expected="selection/selection.json",
            found="no such file",
            fix="run `make train` first",
        )
    try:
        sections, missing = _scores(selection, build), []
        for path, command, make in (
            ("export", "make bundle", _parity),
            ("schedule/schedule.json", "make bundle", _schedule),
            ("dataset/bundle.json", "make bundle", _bundle),
            ("simulation/verdict.json", "make simulate", _rehearsal),
        ):
            found = make(build / path)
            sections += found
            if not found:
                missing.append(f"{path} is not there yet: run `{command}`.")
        made_of = _read(build / "selection" / "receipt.json") or {}
        head = heading(build, selection, made_of, run)
    except (KeyError, TypeError, ValueError) as error:
        raise FoldshipError(
            f"{build}: a file of an earlier version cannot be shown",
            found=repr(error),
            fix="run `make bundle` and `make simulate` again",
        ) from error
    page = _environment().get_template("page.html")
    folders = [build.parent.parent, *([Path(made_of["data"])] if made_of.get("data") else [])]
    html = page.render(
        name=build.name,
        head=[(name, hidden(text, folders)) for name, text in head],
        sections=[_shown(section, folders) for section in sections],
        missing=missing,
        notes=[hidden(note, folders) for note in selection["notes"]],
    )
    write_text(build / FILE_NAME, html)
    return build / FILE_NAME


def heading(
    build: Path, selection: Mapping[str, Any], made_of: Mapping[str, Any], run: Mapping[str, Any] | None
) -> list[tuple[str, str]]:
    """What the page is about: names and values, in order.

    Args:
        build: `build/<competition>`.
        selection: `selection.json`.
        made_of: its receipt.
        run: `run.json`, or None.
    """
    verdict = _read(build / "simulation" / "verdict.json")
    if run is None:
        name, finished = "not kept: `make train` keeps it", "not known"
    else:
        name, finished = str(run["run"]), str(run["finished"]).replace("T", " ").replace("+00:00", " UTC")
    return [
        ("Competition", build.name),
        ("Run", name),
        ("Finished", finished),
        ("Rehearsal", "not asked: run `make simulate`" if verdict is None else _verdict(build, verdict)),
        ("Data", f"{selection['rows']:,} training rows, {_origin(build, made_of)}"),
        ("Recipe", str(made_of.get("recipe") or "not known")),
    ]


def _verdict(build: Path, verdict: Mapping[str, Any]) -> str:
    words = tables.outcome([tables.level(check) for check in verdict["checks"].values()])
    here = build / "dataset" / "bundle.json"
    rehearsed = verdict.get("bundle", {}).get("sha256")
    if here.is_file() and rehearsed and manifest.sha256(here) != rehearsed:
        words += "; of another bundle than the one that is here now"
    return words


def _origin(build: Path, made_of: Mapping[str, Any]) -> str:
    """Whether the rows are anybody's or generated; the name of their folder, and no more of its path."""
    path = made_of.get("data")
    generated = made_of.get("generated")
    if generated is None and path:  # of an earlier version
        generated = Path(path) == build / "sample"
    if generated is None:
        return "real or generated is not known"
    if generated:
        return "GENERATED: the scores say nothing about the competition"
    name = Path(str(path)).name
    return "real" if Path(str(path)) == Path.home() else f"real, from a folder called {name}"


def _shown(section: Section, folders: Sequence[Path]) -> Section:
    """A section without folders of this machine."""
    table = section.table
    if table is not None:
        rows = tuple(tuple(hidden(cell, folders) for cell in row) for row in table.rows)
        table = replace(table, rows=rows, caption=hidden(table.caption, folders))
    return replace(section, table=table, caption=hidden(section.caption, folders))


def _scores(selection: Mapping[str, Any], build: Path) -> list[Section]:
    sections = [
        _section(score_tables.summary(selection)),
        *([_section(tried)] if (tried := score_tables.trials(selection)) else []),
        _section(score_tables.folds(selection)),
        Section(
            "Classes, raw and post-processed"
            if selection["confusion"]
            else "Columns, raw and post-processed",
            image=_image(pictures.column_bars(selection["columns"], score_tables.column_score(selection))),
        ),
        *([_section(found)] if (found := score_tables.bands(selection)) else []),
        *_confusion(selection),
        _section(score_tables.columns(selection)),
        _section(score_tables.columns_by_fold(selection)),
    ]
    distributions = _read(build / "selection" / "distributions.json")
    if distributions is not None:
        # The columns that post-processing changes most say most.
        by_gain = sorted(
            selection["columns"],
            key=lambda column: (column["step"] is None, (column["raw"] or 0.0) - (column["nested"] or 0.0)),
        )
        targets = [column["target"] for column in by_gain[:SHOWN]]
        image = _image(pictures.histograms(distributions, targets))
        caption = (
            "Post-processed columns first, by gain; processed: by the step that ships, fitted on all rows."
            if any(column["step"] for column in by_gain)
            else "No column is post-processed, so both predictions are the same."
        )
        sections.append(Section("Truth and out-of-fold predictions", image=image, caption=caption))
    return sections


def _confusion(selection: Mapping[str, Any]) -> list[Section]:
    if not selection["confusion"]:
        return []
    classes = [column["target"] for column in selection["columns"]]
    image = _image(pictures.confusion(selection["confusion"], classes))
    caption = "Rows by class; colours are shares of a class. Post-processed, nested."
    return [Section("What is taken for what", image=image, caption=caption)]


def _parity(folder: Path) -> list[Section]:
    found = [_read(path) for path in sorted(folder.glob("*/parity.json"))]
    models = [model for model in found if model is not None]
    return [_section(tables.parity(models))] if models else []


def _schedule(path: Path) -> list[Section]:
    schedule = _read(path)
    if schedule is None:
        return []
    table = tables.score_against_time(schedule)
    if all(unit["score"] is None for unit in schedule["units"]):
        return [_section(table)]
    picture = _image(pictures.score_steps(schedule["units"]))
    return [Section(table.title, image=picture), _section(table)]


def _bundle(path: Path) -> list[Section]:
    manifest = _read(path)
    if manifest is None:
        return []
    return [
        _section(show(manifest))
        for show in (bundle_tables.sizes, bundle_tables.weights, bundle_tables.licences)
    ]


def _rehearsal(path: Path) -> list[Section]:
    verdict = _read(path)
    if verdict is None:
        return []
    found = (tables.checks(verdict), tables.projection(verdict), tables.phases(verdict))
    return [_section(table) for table in found if table is not None]


def _section(table: tables.Table) -> Section:
    return Section(table.title, table=table, caption=table.caption)


def _image(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FoldshipError(
            f"{path}: cannot be read",
            found=str(error),
            fix="delete it and run its stage again",
        ) from error
    if not isinstance(value, dict):
        raise FoldshipError(f"{path}: holds no JSON object", found=type(value).__name__, fix="delete it")
    return value


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("foldship.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
