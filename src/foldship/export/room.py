"""Room on the disk that an export takes."""

from __future__ import annotations

# Bytes a weight: of the graphs in fp32, in half precision, and with half-precision weights for CPUs, which
# lie side by side until all folds have climbed the ladder.
SCRATCH = 8
STORED = 2  # in half precision, once for graphs and folds that have it in common


def scratch(weights: int, folds: int) -> int:
    """Bytes that exporting a model takes for the time being.

    Args:
        weights: of a fold's encoder.
        folds: how many there are.
    """
    return SCRATCH * weights * folds


def stored(weights: int, own: int, folds: int) -> int:
    """Bytes that are left of a model; as much goes into the bundle.

    Args:
        weights, folds: as of `scratch`.
        own: weights that differ from fold to fold.
    """
    return STORED * (weights - own + own * folds)
