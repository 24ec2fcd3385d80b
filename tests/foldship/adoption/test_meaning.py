"""What outputs are taken for, written out; and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from declared import task_of

from foldship.adoption.meaning import understand
from foldship.adoption.network import Network
from foldship.config.adopting import Adopted
from foldship.modelling.adopted import CLASSIFIER
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import CLASSES, NUMBERS, Task

ONE = task_of(NUMBERS, "rating")
THREE = task_of(NUMBERS, "a", "b", "c")
KINDS = task_of(CLASSES, "praise", "complaint", "question")


def network(width: int, labels: tuple[str, ...] | None = None, problem: str = "") -> Network:
    return Network(CLASSIFIER, width, {}, labels, problem, segments=False, longest=None)


def settings(**values: Any) -> Adopted:
    return Adopted(folds=("x",), **values)


@pytest.mark.parametrize(
    ("net", "task", "stated", "mixture", "meaning"),
    [
        (network(1), ONE, {}, [[1]], "value"),
        (network(1, problem="regression"), ONE, {}, [[1]], "value"),
        (network(1, problem="multi_label_classification"), ONE, {}, [[1]], "logit"),
        (network(1, ("whatever",)), ONE, {"output": "share"}, [[1]], "share"),
        (network(2, problem="single_label_classification"), ONE, {}, [[-1, 1]], "logit"),
        (network(2), ONE, {}, [[-1, 1]], "logit"),
        (network(3), THREE, {}, [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "logit"),
        (network(3, ("c", "a", "b"), "regression"), THREE, {}, [[0, 1, 0], [0, 0, 1], [1, 0, 0]], "value"),
        (
            network(3, ("Question", "PRAISE", "complaint")),
            KINDS,
            {},
            [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
            "logit",
        ),
        (
            network(3, ("x", "y", "z")),
            KINDS,
            {"labels": ("complaint", "question", "praise"), "output": "share"},
            [[0, 0, 1], [1, 0, 0], [0, 1, 0]],
            "share",
        ),
    ],
)
def test_outputs_are_matched_with_targets(
    net: Network, task: Task, stated: dict[str, Any], mixture: list[list[int]], meaning: str
) -> None:
    found = understand(net, task, settings(**stated))
    assert [list(row) for row in found.mixture] == mixture
    assert found.meaning == meaning
    assert any(note.startswith("outputs: ") for note in found.notes)


def test_what_was_assumed_is_said() -> None:
    (note,) = understand(network(1), ONE, settings()).notes
    assert note == (
        "outputs: values as they are, kept within 0 to 1 (usual for one output; state output if it was "
        "trained otherwise)"
    )
    notes = understand(network(3), KINDS, settings()).notes
    assert notes[0] == "outputs have no names: taken in the order praise, complaint, question"


@pytest.mark.parametrize(
    ("net", "task", "stated", "message"),
    [
        (network(2), THREE, {}, r"2 outputs, and the competition 3 targets(.|\n)*without names"),
        (network(1), KINDS, {}, r"1 outputs, and the competition 3 classes"),
        (
            network(3, ("x", "praise", "question")),
            KINDS,
            {},
            r"called otherwise(.|\n)*x, praise(.|\n)*state labels",
        ),
        (network(3), KINDS, {"labels": ("praise", "x", "y")}, "called otherwise"),
        (network(3), KINDS, {"output": "value"}, "of classes, value means nothing"),
        (network(2), ONE, {"output": "value"}, "two classes, value means nothing"),
        (
            network(3, problem="single_label_classification"),
            THREE,
            {},
            "trained to choose one of its classes",
        ),
    ],
)
def test_what_does_not_fit_is_refused(net: Network, task: Task, stated: dict[str, Any], message: str) -> None:
    with pytest.raises(FoldshipError, match=message):
        understand(net, task, settings(**stated))
