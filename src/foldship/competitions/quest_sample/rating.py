"""The 30 target values of a question and its answer, as the mean of two or three simulated raters.

Means of two or three raters give just the levels that the competition's columns have.
"""

from __future__ import annotations

from collections.abc import Sequence

from foldship.competitions.dice import Dice
from foldship.competitions.quest_sample.writing import Answer, Question

_NOISE = 0.35  # most that a rater's impression strays from the truth
_PLAIN = {
    "question_expect_short_answer": 0.3,
    "question_fact_seeking": 0.95,
    "question_has_commonly_accepted_answer": 0.9,
    "question_opinion_seeking": 0.05,
}
# Chance of a vote for a column, where it differs from `_PLAIN`, else 0.
_VOTES = {
    "instructions": {"question_type_instructions": 0.95},
    "procedure": {"question_type_procedure": 0.9, "question_type_instructions": 0.3},
    "reason": {"question_type_reason_explanation": 0.95},
    "choice": {"question_type_choice": 0.95, "question_opinion_seeking": 0.5},
    "compare": {"question_type_compare": 0.9, "question_type_choice": 0.15},
    "definition": {"question_type_definition": 0.9, "question_type_reason_explanation": 0.2},
    "entity": {"question_type_entity": 0.9},
    "consequence": {"question_type_consequence": 0.85, "question_type_reason_explanation": 0.3},
    "opinion": {
        "question_opinion_seeking": 0.95,
        "question_fact_seeking": 0.15,
        "question_has_commonly_accepted_answer": 0.1,
        "question_type_choice": 0.3,
    },
    "statement": {
        "question_not_really_a_question": 0.8,
        "question_fact_seeking": 0.1,
        "question_has_commonly_accepted_answer": 0.2,
    },
    "spelling": {"question_type_spelling": 0.9, "question_type_choice": 0.5},
}
_STYLE_VOTES = {
    "answer_type_instructions": "steps",
    "answer_type_reason_explanation": "reasons",
    "answer_type_procedure": "stages",
}


def rate(question: Question, answer: Answer, targets: Sequence[str], dice: Dice) -> list[float]:
    """Return the values of these targets."""
    votes = _votes(question, answer)
    grades = _grades(question, answer)
    raters = 2 if dice.chance(0.25) else 3
    values = []
    for name in targets:
        if name in grades:
            steps = 5 if name == "answer_satisfaction" else 3
            total = sum(_grade(grades[name], steps, dice) for _ in range(raters))
            values.append(total / (steps * raters))
        else:
            values.append(sum(dice.chance(votes.get(name, 0.0)) for _ in range(raters)) / raters)
    return values


def _votes(question: Question, answer: Answer) -> dict[str, float]:
    votes = _PLAIN | _VOTES[question.kind]
    votes["question_expect_short_answer"] = 0.9 if question.short else 0.1
    votes["question_conversational"] = 0.85 if question.chat else 0.01
    votes["question_multi_intent"] = 0.9 if question.second else 0.05
    for name, style in _STYLE_VOTES.items():
        votes[name] = 0.92 if answer.style == style else 0.05
    return votes


def _grades(question: Question, answer: Answer) -> dict[str, float]:
    """How good the pair is in the columns that are graded, in [0, 1]."""
    relevance = answer.quality if answer.relevant else 0.3 * answer.quality
    return {
        "question_asker_intent_understanding": 0.3 + 0.7 * question.quality,
        "question_body_critical": 0.8 * question.quality + 0.2 * question.interest,
        "question_interestingness_others": 0.85 * question.interest + 0.15 * question.quality,
        "question_interestingness_self": question.interest,
        "question_well_written": question.quality,
        "answer_helpful": 0.8 * relevance + 0.2 * answer.detail,
        "answer_level_of_information": 0.3 * answer.quality + 0.7 * answer.detail,
        "answer_plausible": 0.2 + 0.8 * answer.quality,
        "answer_relevance": 0.2 + 0.8 * relevance,
        "answer_satisfaction": 0.7 * relevance + 0.3 * answer.detail,
        "answer_well_written": answer.quality,
    }


def _grade(truth: float, steps: int, dice: Dice) -> int:
    """One rater's grade from 1 to `steps`."""
    impression = truth + _NOISE * (dice.number() + dice.number() - 1.0)
    return 1 + min(max(int(impression * steps), 0), steps - 1)
