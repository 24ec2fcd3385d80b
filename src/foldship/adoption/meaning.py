"""What a network's outputs are to the competition: whose they are, and what their numbers mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foldship.adoption.network import Network
from foldship.config.adopting import Adopted, Meaning
from foldship.modelling.adopted import SENTENCES
from foldship_kernel.errors import FoldshipError, listed
from foldship_kernel.tasks import CLASSES, Task

# problem_type of transformers: what the outputs of a model that was trained for it are.
_BY_PROBLEM: dict[str, Meaning] = {"regression": "value", "multi_label_classification": "logit"}
_BINARY = "single_label_classification"


@dataclass(frozen=True)
class Outputs:
    """How outputs become targets.

    Attributes:
        mixture: per target the share of each output in its number.
        meaning: of that number.
        notes: what was assumed, one line each.
    """

    mixture: tuple[tuple[float, ...], ...]
    meaning: Meaning
    notes: tuple[str, ...]


def understand(network: Network, task: Task, settings: Adopted) -> Outputs:
    """Match a network's outputs with the competition's targets.

    Raises:
        FoldshipError: there are more or fewer, their names differ, or they were trained for something else.
    """
    if network.kind == SENTENCES:
        return _cosine(task, settings)
    if task.kind == CLASSES:
        meaning = settings.output or "logit"
        if meaning not in ("logit", "share"):
            raise FoldshipError(
                f"output: of classes, {meaning} means nothing",
                expected="logit, or share where the outputs are probabilities",
                fix="correct output",
            )
        said = "probabilities" if meaning == "share" else "logits, of which a softmax makes probabilities"
        mixture, note = _in_order(network, task, settings)
        return Outputs(mixture, meaning, (*note, f"outputs: {said}"))
    if (
        network.width == 2
        and len(task.targets) == 1
        and network.problem in ("", _BINARY)
        and not settings.labels
    ):
        if settings.output not in (None, "logit"):
            raise FoldshipError(
                f"output: of a model with two classes, {settings.output} means nothing",
                expected="logit",
                fix="remove output",
            )
        second = repr(network.labels[1]) if network.labels else "the second one"
        said = f"outputs: two classes; {task.targets[0]} is the probability of {second}, as a softmax has it"
        return Outputs(((-1.0, 1.0),), "logit", (said,))
    mixture, notes = _in_order(network, task, settings)
    meaning, why = _of_numbers(network, settings)
    return Outputs(mixture, meaning, (*notes, f"outputs: {_words(meaning, task)} ({why})"))


def _cosine(task: Task, settings: Adopted) -> Outputs:
    if task.kind == CLASSES or len(task.targets) != 1:
        raise FoldshipError(
            "a sentence encoder gives one number for two texts, their cosine",
            expected="a competition with one numeric target",
            found=f"{len(task.targets)} {task.kind}",
            fix="adopt a classifier; a sentence encoder can be the backbone of a model that is trained here",
        )
    if settings.output not in (None, "share", "signed_share"):
        raise FoldshipError(
            f"output: of a cosine, {settings.output} means nothing",
            expected="share, where 0 is the lowest value, or signed_share, where -1 is",
            fix="correct output",
        )
    meaning = settings.output or "share"
    said = "stated" if settings.output else "what CosineSimilarityLoss learns from targets scaled to 0 to 1"
    return Outputs(((1.0,),), meaning, (f"outputs: cosines, {_words(meaning, task)} ({said})",))


def _of_numbers(network: Network, settings: Adopted) -> tuple[Meaning, str]:
    if settings.output is not None:
        return settings.output, "stated"
    if network.problem == _BINARY:
        raise FoldshipError(
            "the model was trained to choose one of its classes, and the competition's targets are numbers",
            expected="problem_type regression or multi_label_classification in config.json",
            found=network.problem,
            fix="declare the competition with classes, or state output if the model is not what it says",
        )
    if network.problem:
        return _BY_PROBLEM[network.problem], f"problem_type {network.problem} in config.json"
    if network.width == 1:
        return "value", "usual for one output; state output if it was trained otherwise"
    return "logit", "usual for several outputs; state output if it was trained otherwise"


def _words(meaning: Meaning, task: Task) -> str:
    low, high = f"{task.low:g}", f"{task.high:g}"
    return {
        "value": f"values as they are, kept within {low} to {high}",
        "share": f"0 means {low} and 1 means {high}",
        "signed_share": f"-1 means {low} and 1 means {high}",
        "logit": f"logits, of which a sigmoid makes shares of {low} to {high}",
    }[meaning]


def _in_order(
    network: Network, task: Task, settings: Adopted
) -> tuple[tuple[tuple[float, ...], ...], tuple[str, ...]]:
    """Mixture of an output for each target, and what was assumed."""
    names = settings.labels or network.labels
    count = len(task.targets)
    if network.width != count:
        of = "classes" if task.kind == CLASSES else "targets"
        raise FoldshipError(
            f"the model has {network.width} outputs, and the competition {count} {of}",
            expected=listed(list(task.targets)),
            found=listed(list(names)) if names else f"{network.width} outputs without names",
            fix="adopt a model that was trained for these, or correct the targets in competition.yaml",
        )
    if names is None or count == 1:
        note = (
            () if count == 1 else (f"outputs have no names: taken in the order {listed(list(task.targets))}",)
        )
        return _permutation(range(count)), note
    places = _places(names, task.targets)
    if places is None:
        raise FoldshipError(
            "the model's outputs are called otherwise than the competition's targets",
            expected=listed(list(task.targets)),
            found=listed(list(names)),
            fix="state labels: the competition's name of each output, in the model's order, such as "
            f"{','.join(task.targets[:3])}...",
        )
    return _permutation(places), ("outputs: matched by name",)


def _places(names: Sequence[str], targets: Sequence[str]) -> list[int] | None:
    """Which output belongs to each target; None where any has none. Case counts only where it must."""
    for key in (str, str.casefold):
        known = {key(name.strip()): place for place, name in enumerate(names)}
        wanted = [key(target.strip()) for target in targets]
        if len(known) == len(names) and set(known) == set(wanted):
            return [known[name] for name in wanted]
    return None


def _permutation(places: Sequence[int]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(place == number) for number in range(len(places))) for place in places)
