"""Google QUEST Q&A Labeling aboard: columns, and how a test row is read.

Source: https://www.kaggle.com/competitions/google-quest-challenge/data
"""

from __future__ import annotations

NAME = "quest"
ID = "qa_id"
TEXTS = ("question_title", "question_body", "answer")
CATEGORIES = ("category",)
COMMON = ("host",)
QUESTION_TARGETS = (
    "question_asker_intent_understanding",
    "question_body_critical",
    "question_conversational",
    "question_expect_short_answer",
    "question_fact_seeking",
    "question_has_commonly_accepted_answer",
    "question_interestingness_others",
    "question_interestingness_self",
    "question_multi_intent",
    "question_not_really_a_question",
    "question_opinion_seeking",
    "question_type_choice",
    "question_type_compare",
    "question_type_consequence",
    "question_type_definition",
    "question_type_entity",
    "question_type_instructions",
    "question_type_procedure",
    "question_type_reason_explanation",
    "question_type_spelling",
    "question_well_written",
)
ANSWER_TARGETS = (
    "answer_helpful",
    "answer_level_of_information",
    "answer_plausible",
    "answer_relevance",
    "answer_satisfaction",
    "answer_type_instructions",
    "answer_type_procedure",
    "answer_type_reason_explanation",
    "answer_well_written",
)
TARGETS = QUESTION_TARGETS + ANSWER_TARGETS
ACTIVATION = "sigmoid"
LOW, HIGH = 0.0, 1.0
TEST_FILES = ("test.csv", "sample_submission.csv")
