"""Weights of models, sought by trying: they maximise any metric, for all columns together or each alone.

All functions take the models' predictions (M, C, n) and a judge that scores candidates (K, C, n) by column,
and return weights (M, C) of 0 or more that sum to 1 down each column. With `shared`, all columns have the
same weights, those with the best mean score.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from foldship.metrics import Array
from foldship.selection.scoring import Judge

STEPS = (0.2, 0.05)  # of the coordinate search: finer ones fit the rows at hand
PASSES = 6  # at most, with each of these steps
LONGEST = 25  # draws of the greedy selection: the finest weight is 1 / 25
BAGS = 5
MOST_SUBSETS = 127  # all of seven models; of more models, as many at random
BIT = 1e-9  # gains below are rounding


def improve(models: Array, judge: Judge, starts: list[Array], shared: bool) -> Array:
    """Coordinate search: each model's weight in turn is raised or lowered, as long as the score rises.

    Args:
        models, judge, shared: see the module.
        starts: weights (M, C) to set out from; the best end counts.
    """
    best, best_score = starts[0], np.full(models.shape[1], -np.inf)
    for start in starts:
        weights, score = _climbed(models, judge, start, shared)
        better = score > best_score + BIT
        best, best_score = np.where(better, weights, best), np.where(better, score, best_score)
    return best


def _climbed(models: Array, judge: Judge, weights: Array, shared: bool) -> tuple[Array, Array]:
    score = _scores(models, judge, weights[None], shared)[0]
    unit = np.eye(len(models))[:, :, None]
    for step in STEPS:
        for _ in range(PASSES):
            raised = weights + step * unit
            lowered = np.maximum(weights - step * unit, 0.0)
            moves = np.concatenate([raised, lowered])
            total = moves.sum(axis=1, keepdims=True)
            moves = np.divide(moves, total, out=np.broadcast_to(weights, moves.shape).copy(), where=total > 0)
            found = _scores(models, judge, moves, shared)
            chosen = found.argmax(axis=0)
            columns = np.arange(len(chosen))
            better = found[chosen, columns] > score + BIT
            if not better.any():
                break
            weights = np.where(better, moves[chosen, :, columns].T, weights)
            score = np.where(better, found[chosen, columns], score)
    return weights, score


def greedy(models: Array, judge: Judge, shared: bool) -> Array:
    """Ensemble selection: models are drawn one after another, with replacement, each the one that helps most.

    It begins with the best models, as many as score best together, and ends where no further one raises the
    score. R. Caruana et al., Ensemble selection from libraries of models, 2004,
    https://doi.org/10.1145/1015330.1015432.
    """
    count, columns = len(models), models.shape[1]
    alone = _scores(models, judge, _units(count, columns), shared)
    ranking = np.argsort(-alone, axis=0, kind="stable")
    firsts = np.zeros((count, count, columns))  # the best k + 1 models of each column, once each
    for size in range(count):
        firsts[size:, ranking[size], np.arange(columns)] = 1
    found = _scores(models, judge, _normalised(firsts), shared)
    begin = found.argmax(axis=0)
    drawn = firsts[begin, :, np.arange(columns)].T
    score = found[begin, np.arange(columns)]
    while drawn.sum(axis=0).min() < LONGEST:
        options = drawn + np.eye(count)[:, :, None]
        found = _scores(models, judge, _normalised(options), shared)
        chosen = found.argmax(axis=0)
        reached = found[chosen, np.arange(columns)]
        better = (reached > score + BIT) & (drawn.sum(axis=0) < LONGEST)
        if not better.any():
            break
        drawn = np.where(better, options[chosen, :, np.arange(columns)].T, drawn)
        score = np.where(better, reached, score)
    return _normalised(drawn)


def at_best(models: Array, judge: Judge, candidates: Array, shared: bool) -> Array:
    """The best of some weights, (K, M, C), and of each single model."""
    every = np.concatenate([candidates, _units(len(models), models.shape[1])])
    chosen = _scores(models, judge, every, shared).argmax(axis=0)
    best: Array = every[chosen, :, np.arange(len(chosen))].T
    return best


def by_score(models: Array, judge: Judge, shared: bool) -> Array:
    """Each model weighs as much as it scores alone; one that scores 0 or less nothing, unless all do."""
    alone = _scores(models, judge, _units(len(models), models.shape[1]), shared)
    weights = np.where(alone > 0, alone, 0.0)
    return _normalised(np.where(weights.any(axis=0), weights, 1.0))


def subsets(models: Array, judge: Judge, shared: bool, random: np.random.Generator) -> Array:
    """The plain mean of the best subset: of all, or of `MOST_SUBSETS` at random with each model and all."""
    count, columns = len(models), models.shape[1]
    if 2**count - 1 <= MOST_SUBSETS:
        masks = np.array(list(itertools.product((0.0, 1.0), repeat=count))[1:])
    else:
        some = random.random((MOST_SUBSETS - count - 1, count)) < 0.5
        masks = np.concatenate([np.eye(count), np.ones((1, count)), some[some.any(axis=1)]])
    return at_best(models, judge, _normalised(np.repeat(masks[:, :, None], columns, axis=2)), shared)


def half_of(groups: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Rows of a random half of the groups.

    A bag of half the rows without replacement does what a bootstrap of all does, at half the cost and without
    ties: P. Buehlmann, B. Yu, Analyzing bagging, 2002, https://doi.org/10.1214/aos/1031689014.
    """
    numbers = np.unique(groups)
    chosen = random.permutation(numbers)[: (len(numbers) + 1) // 2]
    return np.flatnonzero(np.isin(groups, chosen))


def _scores(models: Array, judge: Judge, weights: Array, shared: bool) -> Array:
    """Scores (K, C) of blends with weights (K, M, C); with `shared` each row holds its mean throughout."""
    found = np.concatenate([judge(np.einsum("mc,mcn->cn", one, models)[None]) for one in weights])
    return np.broadcast_to(found.mean(axis=1, keepdims=True), found.shape) if shared else found


def _units(count: int, columns: int) -> Array:
    return np.repeat(np.eye(count)[:, :, None], columns, axis=2)


def _normalised(weights: Array) -> Array:
    """Weights (..., M, C) scaled to sum to 1 over the models."""
    return np.asarray(weights / weights.sum(axis=-2, keepdims=True))
