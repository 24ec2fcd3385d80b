"""Terms beside the loss that hold the network's outputs steady; they need no labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from foldship.config.objective import Smart
from foldship_kernel.tasks import CLASSES

Apart = Callable[[Tensor, Tensor], Tensor]


def distance(kind: str, form: str) -> Apart:
    """How far apart two passes' logits (N, K) are: an fp32 scalar.

    Args:
        kind: of the targets. For numbers it is the mean over rows and outputs, each output a Bernoulli
            distribution; for classes, which are one distribution, the mean over rows.
        form: "kl", KL(p||q) + KL(q||p); in this closed form nothing cancels, however close the two are.
            "mse", the squared difference of the outputs.
    """
    normal = _softmax if kind == CLASSES else torch.sigmoid

    def apart(first: Tensor, second: Tensor) -> Tensor:
        with torch.autocast(first.device.type, enabled=False):
            first, second = first.float(), second.float()
            difference = normal(first) - normal(second)
            found = difference * (first - second if form == "kl" else difference)
            return found.sum(1).mean() if kind == CLASSES else found.mean()

    return apart


def _softmax(logits: Tensor) -> Tensor:
    return torch.softmax(logits, dim=1)


@dataclass(frozen=True)
class RandomState:
    """Where torch's random numbers stood, so that a pass can be repeated with the same dropout."""

    cpu: Tensor
    cuda: Tensor | None

    @classmethod
    def now(cls, device: torch.device) -> RandomState:
        """The present state of the CPU's generator, and of `device`'s where it has one of its own."""
        cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
        return cls(torch.get_rng_state(), cuda)

    @contextmanager
    def again(self, device: torch.device) -> Iterator[None]:
        """Go back to this state inside the block; afterwards all is as it was before."""
        with torch.random.fork_rng([device] if self.cuda is not None else []):
            torch.set_rng_state(self.cpu)
            if self.cuda is not None:
                torch.cuda.set_rng_state(self.cuda, device)
            yield


def smart(
    config: Smart,
    embeddings: nn.Module,
    forward: Callable[[], Tensor],
    outputs: Tensor,
    before: RandomState,
    apart: Apart,
) -> Tensor:
    """How far the outputs move when the word embeddings do, in the direction in which they move most.

    Source: https://arxiv.org/abs/1911.03437, algorithm 1, without the Bregman term.

    Args:
        config: size of the change and how it is sought.
        embeddings: the encoder's word embeddings, of which `forward` reads.
        forward: a pass over the batch, giving logits (N, K).
        outputs: (N, K) logits of that pass without a change.
        before: random state that `outputs` were made from: the dropout stays the same, so that the change of
            the embeddings is the only one.
        apart: how far two passes are apart, see `distance`.

    Returns:
        The distance, a scalar; its gradient goes to both passes.
    """
    reference = outputs.detach()
    change = _Change(config, int(torch.randint(2**62, ())))
    handle = embeddings.register_forward_hook(change)
    try:
        for _ in range(config.steps):
            with before.again(outputs.device):
                moved = forward()
            # Only its direction counts, and fp16 knows no numbers as small as it is.
            divergence = apart(moved, reference) * moved.numel() / config.epsilon
            (gradient,) = torch.autograd.grad(divergence, change.noise)
            change.climb(gradient)
        change.settle()
        with before.again(outputs.device):
            moved = forward()
    finally:
        handle.remove()
    return apart(moved, outputs)


class _Change:
    """A forward hook that adds noise to what the embeddings return, the same in every pass.

    Args:
        config: size of the noise.
        seed: of the noise; torch's own generators are left to the dropout.
    """

    def __init__(self, config: Smart, seed: int) -> None:
        self._config, self._seed = config, seed
        self._noise: Tensor | None = None

    @property
    def noise(self) -> Tensor:
        """(S, L, H) float32, none beyond `epsilon`."""
        if self._noise is None:
            raise RuntimeError("the forward pass did not read the word embeddings")
        return self._noise

    def __call__(self, module: nn.Module, inputs: Any, embedded: Tensor) -> Tensor:
        if self._noise is None:
            generator = torch.Generator(embedded.device).manual_seed(self._seed)
            noise = torch.randn(embedded.shape, generator=generator, device=embedded.device)
            self._noise = self._bounded(noise * self._config.epsilon).requires_grad_()
        return embedded + self._noise

    def climb(self, gradient: Tensor) -> None:
        """One step uphill: by `step_size` for the largest component of each sequence."""
        gradient = torch.nan_to_num(gradient, posinf=0.0, neginf=0.0)
        largest = gradient.abs().amax((1, 2), keepdim=True)
        direction = torch.where(largest > 0, gradient / largest, 0.0)
        moved = self.noise.detach() + self._config.step_size * direction
        self._noise = self._bounded(moved).requires_grad_()

    def settle(self) -> None:
        """Seek no further: gradients of later passes stop at the layers that learn."""
        self._noise = self.noise.detach()

    def _bounded(self, noise: Tensor) -> Tensor:
        return noise.clamp(-self._config.epsilon, self._config.epsilon)
