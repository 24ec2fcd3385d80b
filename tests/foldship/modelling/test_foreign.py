"""Outputs of other makers' networks as logits: through sigmoid or softmax they are what they meant."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foldship.config.adopting import Meaning
from foldship.modelling.foreign import Cosine, Outputs
from foldship_kernel.tasks import CLASSES, NUMBERS

NOTHING = torch.zeros(5, 0)
GIVEN = torch.tensor([[-2.0], [-0.5], [0.0], [0.25], [1.0]])


@pytest.mark.parametrize(
    ("meaning", "wanted"),
    [
        ("logit", 3 + 4 / (1 + np.exp(-GIVEN.numpy()))),
        ("value", [[3], [3], [3], [3], [3]]),
        ("share", [[3], [3], [3], [4], [7]]),
        ("signed_share", [[3], [4], [5], [5.5], [7]]),
    ],
)
def test_numbers_come_out_in_the_targets_units(meaning: Meaning, wanted: object) -> None:
    logits = Outputs([[1.0]], meaning, 3, 7, NUMBERS)(GIVEN, NOTHING)
    assert logits.isfinite().all()
    found = 3 + 4 * torch.sigmoid(logits.double())
    np.testing.assert_allclose(found, np.asarray(wanted, dtype=float), atol=1e-5)


def test_values_within_the_range_stay_what_they_are() -> None:
    values = torch.linspace(3, 7, 50)[:, None]
    logits = Outputs([[1.0]], "value", 3, 7, NUMBERS)(values, torch.zeros(50, 0))
    np.testing.assert_allclose(3 + 4 * torch.sigmoid(logits.double()), values, atol=2e-6)


def test_probabilities_and_logits_of_classes_are_put_into_order() -> None:
    likely = torch.tensor([[0.1, 0.2, 0.7], [1.0, 0.0, 0.0]])
    mixture = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    for meaning, given in (("share", likely), ("logit", likely.clamp(min=1e-7).log() + 5)):
        logits = Outputs(mixture, meaning, 0, 1, CLASSES)(given, torch.zeros(2, 0))
        np.testing.assert_allclose(logits.softmax(1), likely[:, [2, 0, 1]], atol=1e-6)


def test_two_classes_are_the_probability_of_the_second() -> None:
    given = torch.randn(5, 2)
    logits = Outputs([[-1.0, 1.0]], "logit", 0, 1, NUMBERS)(given, NOTHING)
    np.testing.assert_allclose(torch.sigmoid(logits[:, 0]), given.softmax(1)[:, 1], atol=1e-6)


def test_a_cosine_is_of_the_two_halves() -> None:
    given = torch.randn(5, 8)
    head = Cosine(Outputs([[1.0]], "signed_share", -1, 1, NUMBERS))
    found = 2 * torch.sigmoid(head(given, NOTHING)[:, 0]) - 1
    wanted = torch.nn.functional.cosine_similarity(given[:, :4], given[:, 4:])
    np.testing.assert_allclose(found, wanted, atol=1e-5)
