"""What differs between competitions: `kernels/<name>/competition.yaml`, and for some a generated sample."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

from foldship import metrics
from foldship.competitions import bioasq_sample, klue_sample, quest_sample, sts_sample
from foldship.competitions.base import Competition
from foldship.config import load, problems
from foldship.config.competition import Declared
from foldship.config.scored import Metric, matching
from foldship.metrics import registry
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import CLASSES, NUMBERS, Task

FILE_NAME = "competition.yaml"
SAMPLES: dict[str, Callable[[Path, Task], None]] = {
    "bioasq": bioasq_sample.write,
    "klue_re": klue_sample.write,
    "quest": quest_sample.write,
    "sts": sts_sample.write,
}


def names(kernels: Path) -> list[str]:
    """Competitions that are declared below `kernels/`."""
    found = (path.parent.name for path in kernels.glob(f"*/{FILE_NAME}"))
    return sorted(name for name in found if not name.startswith("."))


def check(kernels: Path, name: str) -> None:
    """Refuse a name that no competition has.

    Raises:
        FoldshipError: there is no `kernels/<name>/competition.yaml`.
    """
    path = kernels / name / FILE_NAME
    known = names(kernels)
    if name in known or (path.is_file() and name == path.parent.name):  # a draft has a hidden name
        return
    close = difflib.get_close_matches(Path(name).name.lower(), known, 1)
    raise FoldshipError(
        f"unknown competition '{name}'",
        expected=", ".join(known) or f"a folder of {kernels} with {FILE_NAME}",
        fix=f"did you mean {close[0]}?" if close else f"name one of these, or declare it in {path}",
    )


def get(kernels: Path, name: str) -> Competition:
    """The competition that `kernels/<name>/competition.yaml` declares.

    Raises:
        FoldshipError: there is no such file, or it holds what cannot be used.
    """
    check(kernels, name)
    path = kernels / name / FILE_NAME
    declared = problems.validated(
        Declared, load.read(path), str(path), "correct the keys above; docs/competitions.md lists them all"
    )
    targets = declared.targets
    kind = CLASSES if targets.classes else NUMBERS

    def score(metric: Metric) -> metrics.Score:
        names, without = (tuple(map(declared.target, part)) for part in (targets.names, metric.without))
        return metrics.build(metric.name, kind, names, without, metric.k)

    main = score(declared.metric)
    return Competition(
        name=name,
        declared=declared,
        task=declared.task(
            name,
            rowwise=not registry.of_order(declared.metric.name, kind),
            decision=registry.decision(main),
        ),
        rare=tuple(map(declared.target, matching(targets.columns, targets.rare))),
        score=main,
        also={metric.name: score(metric) for metric in declared.also},
        sample=SAMPLES.get(name),
    )
