"""Tokens of training sequences masked or dropped, anew in every epoch.

Decided by seed, epoch and the batch's rows alone, so that a resumed run goes on as it would have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from foldship.config.inputs import Augmentation
from foldship.modelling import backbone
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows, ends
from foldship_kernel.errors import FoldshipError


@dataclass(frozen=True)
class TokenNoise:
    """Masks and drops tokens of training sequences; special ones stay.

    Attributes:
        mask, drop: shares of the tokens.
        mask_id: the token that masked ones become.
        special: tokens that stay.
        seed: of the stage.
        epoch: tells the present epoch.
    """

    mask: float
    drop: float
    mask_id: int
    special: tuple[int, ...]
    seed: int
    epoch: Callable[[], int]

    def __call__(self, encoded: EncodedRows, rows: Sequence[int]) -> EncodedRows:
        """The sequences changed.

        Args:
            encoded: a batch's sequences.
            rows: numbers of the batch's rows; with seed and epoch they decide what is changed.
        """
        random = np.random.default_rng((self.seed, self.epoch(), *rows))
        fate = random.random(len(encoded.tokens))
        fate[np.isin(encoded.tokens, self.special)] = 1.0
        kept = fate >= self.drop
        tokens = np.where(fate < self.drop + (1 - self.drop) * self.mask, self.mask_id, encoded.tokens)
        before = ends(kept.astype(np.int64))  # tokens that are kept before each place
        return replace(
            encoded,
            tokens=tokens[kept].astype(encoded.tokens.dtype),
            marks=None if encoded.marks is None else encoded.marks[kept],
            offsets=before[encoded.offsets],
            boundaries=(
                before[encoded.offsets[:-1] + encoded.boundaries] - before[encoded.offsets[:-1]]
            ).astype(np.int32),
        )


def token_noise(
    config: Augmentation, source: str, encoding: EncodingSpec, seed: int, epoch: Callable[[], int]
) -> TokenNoise | None:
    """What changes the tokens of a stage's training sequences; None where nothing does.

    Args:
        config: the shares.
        source: of the backbone, whose tokenizer has the mask token.
        encoding: its special tokens.
        seed: of the stage.
        epoch: tells the present epoch.

    Raises:
        FoldshipError: tokens are to be masked, and the tokenizer has no mask token.
    """
    if not config.of_tokens:
        return None
    mask_id = backbone.load_tokenizer(source).mask_token_id
    if mask_id is None and config.mask_tokens:
        raise FoldshipError(
            "augmentation.mask_tokens: the backbone's tokenizer has no mask token",
            expected="a mask_token in its tokenizer files",
            fix="use augmentation.drop_tokens, or choose another backbone",
        )
    special = (*encoding.prefix_ids, *encoding.between_ids, *encoding.suffix_ids)
    if mask_id is None:
        mask_id = encoding.pad_id  # nothing is masked
    return TokenNoise(config.mask_tokens, config.drop_tokens, mask_id, special, seed, epoch)
