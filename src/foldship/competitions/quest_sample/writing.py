"""Questions and answers written from traits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foldship.competitions.dice import Dice
from foldship.competitions.quest_sample import words
from foldship.competitions.quest_sample.words import Site

_LOG_EVERY = 25  # one text in this many holds a long log
_TERSE = 0.04  # share of texts that hold hardly anything


@dataclass(frozen=True)
class Question:
    """What a question is like; all traits lie in [0, 1].

    Attributes:
        kind: what it asks for, a key of `words.KINDS`.
        site: where it was asked.
        terms: what fills the gaps in sentence patterns.
        quality: how clearly it is written.
        interest: how interesting it is.
        chat: whether it greets and thanks.
        second: whether it asks a second thing.
        short: whether it wants a short answer.
    """

    kind: str
    site: Site
    terms: Mapping[str, str]
    quality: float
    interest: float
    chat: bool
    second: bool
    short: bool


@dataclass(frozen=True)
class Answer:
    """What an answer is like: `style` is steps, reasons, stages or facts; traits lie in [0, 1].

    Attributes:
        style: what it is made of.
        quality: how sure and well written it is.
        detail: how much it says.
        relevant: whether it is about the question's subject.
    """

    style: str
    quality: float
    detail: float
    relevant: bool


def terms(site: Site, dice: Dice) -> dict[str, str]:
    """Draw what a question is about."""
    thing, other = dice.shuffled(site.things)[:2]
    middle = len(thing) // 2
    return {
        "thing": thing,
        "other": other,
        "misspelt": thing[:middle] + thing[middle] + thing[middle:],
        "action": dice.pick(site.actions),
        "trouble": dice.pick(site.troubles),
        "slug": thing.replace(" ", "-"),
    }


def write_question(question: Question, dice: Dice) -> tuple[str, str]:
    """Return title and body."""
    titles, sentences = words.KINDS[question.kind]
    core = " ".join(dice.shuffled(sentences)[: 2 + dice.below(2)])
    parts = [_some(_tier(words.CONTEXT, question.quality), dice), core]
    if question.site.snippets and dice.chance(0.4):
        parts.append("\n" + dice.pick(question.site.snippets) + "\n")
    parts.append(_some(_tier(words.INTEREST, question.interest), dice))
    parts.append(_some(words.SHORT if question.short else words.LONG, dice))
    if question.second:
        parts.append(dice.pick(words.SECOND))
    if dice.chance(_TERSE):
        parts = [core]
    elif question.chat:
        parts = [_some(words.GREETINGS, dice), *parts, _some(words.THANKS, dice)]
    body = _fill("\n\n".join(parts) if dice.chance(0.7) else " ".join(parts), question.terms)
    title = _fill(dice.pick(titles), question.terms)
    if question.quality < 0.3:
        title, body = _sloppy(title), _sloppy(body)
    return title[:1].upper() + title[1:], body + _log(dice)


def write_answer(answer: Answer, subject: Mapping[str, str], dice: Dice) -> str:
    """Return an answer about `subject`, the terms of its own or of some other question."""
    count = 1 + round(answer.detail * 4)
    if answer.style == "steps":
        steps = list(words.STEPS[: count + 1])
        lines = [f"{number}. {step[:1].upper()}{step[1:]}." for number, step in enumerate(steps, 1)]
        middle = "Follow these steps:\n" + "\n".join(lines)
    else:
        stock = {"reasons": words.REASONS, "stages": words.STAGES, "facts": words.FACTS}[answer.style]
        middle = " ".join(dice.shuffled(stock)[:count])
    opening, closing = (dice.pick(_tier(tiers, answer.quality)) for tiers in (words.OPENING, words.CLOSING))
    parts = (opening,) if dice.chance(_TERSE) else (opening, middle, closing)
    text = _fill("\n\n".join(parts), subject)
    if answer.quality < 0.3:
        text = _sloppy(text)
    return text + (_log(dice) if answer.detail > 0.4 else "")


def _tier(tiers: Sequence[Sequence[str]], value: float) -> Sequence[str]:
    return tiers[min(int(value * len(tiers)), len(tiers) - 1)]


def _some(sentences: Sequence[str], dice: Dice) -> str:
    return " ".join(dice.shuffled(sentences)[:2])


def _fill(pattern: str, values: Mapping[str, str]) -> str:
    # Not str.format: code-like snippets hold braces of their own.
    return re.sub(r"\{([a-z]+)\}", lambda gap: values[gap[1]], pattern)


def _sloppy(text: str) -> str:
    return re.sub(r"[.,']", "", text.lower()).replace(" you ", " u ").replace("please", "plz")


def _log(dice: Dice) -> str:
    if dice.below(_LOG_EVERY):
        return ""
    length = 10 + dice.below(300)
    lines = [f"[{dice.below(10**6):06d}] step {n} &gt; ok; cost = {dice.number():.4f}" for n in range(length)]
    return "\r\n\r\nLog:\r\n" + "\r\n".join(lines)
