"""A small data set in BioASQ's JSON layout: made-up substances, what they do, and abstracts that say so.

Whether the answer is yes or no follows from what the snippets of a question say of its substance. So a small
model learns it in minutes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from foldship.competitions.dice import Dice
from foldship_kernel.atomic import write_text
from foldship_kernel.tasks import Task

_SEED = 2013
_TRAIN, _TEST = 260, 60
_ADDRESS = "https://example.org/abstracts/{}"
_BEGINNINGS = ("Ral", "Ven", "Tor", "Mib", "Cel", "Dax", "Fin", "Gor", "Hel", "Jun", "Kep", "Lor")
_MIDDLES = ("a", "o", "i", "ery", "opa", "eti")
_ENDINGS = ("vir", "mab", "tinib", "statin", "zole", "prene")
_DISEASES = (
    "chronic cough",
    "night blindness",
    "hay fever",
    "frozen shoulder",
    "morning stiffness",
    "travel sickness",
    "winter eczema",
    "tennis elbow",
)
_QUESTIONS = (
    "Is {s} effective against {d}?",
    "Does {s} help patients with {d}?",
    "Can {s} be used for the treatment of {d}?",
)
_SETTINGS = (
    "We followed {n} patients with {d} who were given {s} or placebo.",
    "In this randomized trial, {n} adults with {d} received {s}.",
    "The effect of {s} on {d} was studied in {n} patients over {m} weeks.",
)
_YES = (
    "Symptoms of {d} improved significantly with {s} (p < 0.0{m}).",
    "{s} was superior to placebo, and {d} resolved in {n} patients.",
    "Relief from {d} was marked, and {s} is recommended.",
)
_NO = (
    "Symptoms of {d} did not differ between {s} and placebo.",
    "{s} was no better than placebo, and {d} persisted in {n} patients.",
    "There was no relief from {d}, and {s} cannot be recommended.",
)
_ASIDES = (
    "Adverse events of {s} were mild.",
    "The dose of {s} was raised after {m} weeks.",
    "Patients were recruited in {m} hospitals.",
)


def write(folder: Path, task: Task) -> None:
    """Write train.json and test.json into a folder, the same bytes every time."""
    dice = Dice(_SEED)
    substances = [begin + middle + end for begin in _BEGINNINGS for middle in _MIDDLES for end in _ENDINGS]
    names = dice.shuffled(substances)
    questions = [_question(number, names[number], dice) for number in range(_TRAIN + _TEST)]
    for question in questions[_TRAIN:]:
        del question["exact_answer"], question["ideal_answer"]
    for name, part in (("train.json", questions[:_TRAIN]), ("test.json", questions[_TRAIN:])):
        write_text(folder / name, json.dumps({"questions": part}, indent=1) + "\n")


def _question(number: int, substance: str, dice: Dice) -> dict[str, Any]:
    answer = "yes" if dice.chance(0.65) else "no"
    disease = dice.pick(_DISEASES)

    def said(sentences: tuple[str, ...]) -> str:
        return dice.pick(sentences).format(
            s=substance, d=disease, n=20 + dice.below(400), m=2 + dice.below(7)
        )

    findings = _YES if answer == "yes" else _NO
    abstracts = [[said(_SETTINGS), said(findings), said(_ASIDES)], [said(_ASIDES), said(findings)]]
    addresses = [_ADDRESS.format(100_000 + 10 * number + place) for place in range(len(abstracts))]
    snippets = [
        {
            "document": address,
            "text": text,
            "beginSection": "abstract",
            "endSection": "abstract",
        }
        for address, texts in zip(addresses, abstracts, strict=True)
        for text in texts
    ]
    return {
        "id": f"{0x5E0000000000 + 7919 * number:024x}",
        "type": "yesno",
        "body": said(_QUESTIONS),
        "documents": addresses,
        "snippets": snippets[: 2 + dice.below(len(snippets) - 1)],
        "exact_answer": answer,
        "ideal_answer": [said(findings)],
    }
