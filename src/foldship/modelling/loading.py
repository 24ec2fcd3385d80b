"""Weights into networks, and the proof that they are there: nothing random is ever used.

Every network with foreign or own weights is filled here, and looked at again when it is as it will be used:
each parameter must be the tensor of the file that bears its name. Libraries only warn of what they left
random.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights  # type: ignore[import-untyped]
from torch import Tensor, nn
from transformers import PretrainedConfig
from transformers.modeling_utils import no_init_weights
from transformers.utils import logging

from foldship.modelling import checkpoint, quantised, surplus, weight_names
from foldship.modelling.weight_names import Match
from foldship_kernel.errors import FoldshipError, listed

_ROUGHLY = 0.25  # largest error of weights that are held in 4 bits, as a share of their size
COMPLETE = (
    "save the whole network where it was trained, model.save_pretrained(folder), and copy all its files"
)

Spared = Callable[[str], bool]


def _none(name: str) -> bool:
    return False


@dataclass(frozen=True)
class Loaded:
    """A network, and what its weights should be.

    Attributes:
        network: filled; what its checkpoint lacks is random until `confirm` refuses it.
        notes: what was done to names and numbers, one line each.
    """

    network: Any
    notes: tuple[str, ...]
    _place: str
    _tensors: Mapping[str, Tensor]
    _misfits: Mapping[str, str]
    _match: Match

    def lacking(self, part: nn.Module | None = None, within: str = "", spared: Spared = _none) -> list[str]:
        """Parameters that are not what the checkpoint holds, a phrase each.

        Args:
            part: of the network, as it will be used; None for all of it.
            within: what the names of this part begin with in the network.
            spared: parameters that come from elsewhere, by their names in the network.

        Raises:
            FoldshipError: weights are no finite numbers.
        """
        found, broken = [], []
        for names, parameter in _shared(self.network if part is None else part, within):
            if any(spared(name) for name in names):
                continue
            own = [name for name in names if name in self._tensors]
            if not own and not _is_computed(self.network, names[0]):
                found.append(self._misfits.get(names[0], f"no {names[0]}"))
            for name in own:
                tensor = self._tensors[name]
                if not is_finite(tensor):
                    broken.append(name)
                elif not _same(parameter, tensor):
                    found.append(f"another {name} than the file has")
        if broken:
            raise _broken(self._place, broken)
        return found

    def confirm(
        self,
        part: nn.Module | None = None,
        within: str = "",
        spared: Spared = _none,
        what: str = "weights are missing that the network reads",
        fix: str = COMPLETE,
    ) -> None:
        """Refuse a network with a parameter that is not what the checkpoint holds; arguments as of `lacking`.

        Raises:
            FoldshipError: there is one, and it is named.
        """
        if lost := self.lacking(part, within, spared):
            raise FoldshipError(
                f"{self._place}: {what}",
                expected=f"a tensor for every parameter of a {type(self.network).__name__}",
                found=listed(lost) + self._strangers(),
                fix=fix,
            )

    def _strangers(self) -> str:
        """Names in the checkpoint that are nobody's: a missing weight is often among them."""
        names = sorted(self._match.left)
        return f"; it has {listed(names[:4])}, which the network has not" if names else ""


def load(kind: Any, source: str, config: PretrainedConfig, *, attention: str, **options: Any) -> Loaded:
    """Build a network in fp32 and fill it with a checkpoint's weights, as far as they fit.

    Args:
        kind: one of transformers' Auto classes.
        source: a folder or a name on the hub.
        config: of the network.
        attention: see `backbone.attention_of`.
        options: of `from_pretrained`, such as how the weights are to be quantised.

    Raises:
        FoldshipError: files are missing or damaged, names are ambiguous, or the checkpoint holds parts of
            layers that the network does not have.
        OSError, ValueError: the network cannot be built.
    """
    found = checkpoint.read(source)
    config = copy.deepcopy(config)
    state, notes = quantised.widen(found.state, config, found.place)
    with init_empty_weights(), no_init_weights():
        skeleton: Any = kind.from_config(copy.deepcopy(config), attn_implementation=attention)
    shapes = {name: tuple(tensor.shape) for name, tensor in skeleton.state_dict().items()}
    match = weight_names.match(shapes, skeleton.base_model_prefix, state, found.place)
    surplus.refuse(skeleton, match, state, found.place)
    tensors, misfits = {}, {}
    for name, key in match.keys.items():
        if tuple(state[key].shape) == shapes[name]:
            tensors[name] = state[key]
        else:
            has = f"{tuple(state[key].shape)} in the file and {shapes[name]} by config.json"
            misfits[name] = f"{name}: {has}"
    whole = [name for name, tensor in tensors.items() if _is_whole_number(tensor, skeleton, name)]
    if whole:
        raise FoldshipError(
            f"{found.place}: weights are whole numbers, as quantising leaves them",
            expected="weights in fp32, fp16 or bf16",
            found=listed([f"{name}: {tensors[name].dtype}" for name in whole]),
            fix=quantised.REMEDY,
        )
    if match.prefix not in ("", f"{skeleton.base_model_prefix}."):
        notes.append(f"names in {Path(found.place).name} begin with {match.prefix!r}, which is taken off")
    kinds = {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()} - {torch.float32}
    if kinds:
        notes.append(f"weights in {listed(sorted(map(_called, kinds)))} are taken as float32")
    with _quiet():
        network = type(skeleton).from_pretrained(
            None,
            config=config,
            # Copies, so that what is compared in the end was not changed along with it; what is quantised is
            # copied anyway.
            state_dict=dict(tensors)
            if options
            else {name: _number(tensor) for name, tensor in tensors.items()},
            attn_implementation=attention,
            dtype=torch.float32,
            **options,
        )
    network.config._name_or_path = source
    return Loaded(network, tuple(notes), found.place, tensors, misfits, match)


def restore(network: nn.Module, path: Path, fix: str, needed: Spared = lambda name: True) -> None:
    """Fill a network with weights that were saved by this program, under the network's own names.

    Args:
        network: changed in place.
        path: of the file.
        fix: what to do about one that does not fit.
        needed: which of the network's weights have to be in it.

    Raises:
        FoldshipError: the file cannot be read, or lacks a weight, or holds one that is not the network's or
            no finite number; it is named.
    """
    try:
        state = checkpoint.read_file(path)
    except FoldshipError as error:
        raise FoldshipError(error.what, expected=error.expected, found=error.found, fix=fix) from error
    own = network.state_dict()
    lost = [f"no {name}" for name in own if name not in state and needed(name)]
    lost += [f"{name}, which the network has not" for name in state if name not in own]
    lost += [
        f"{name}: {tuple(tensor.shape)} instead of {tuple(own[name].shape)}"
        for name, tensor in state.items()
        if name in own and tensor.shape != own[name].shape
    ]
    if not lost:
        network.load_state_dict(state, strict=False)
        now = network.state_dict()
        broken = [name for name, tensor in state.items() if not is_finite(tensor)]
        if broken:
            raise _broken(str(path), broken, fix)
        lost = [f"another {name} than the file has" for name in state if not _same(now[name], state[name])]
    if lost:
        raise FoldshipError(
            f"{path}: the weights do not fit the model's settings",
            expected=f"the {sum(map(needed, own))} weights that training leaves there",
            found=listed(lost),
            fix=fix,
        )


@functools.cache
def say(note: str) -> None:
    """Print a note, the first time that it comes up."""
    print(note, flush=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what transformers says about weights that it left random: `confirm` decides."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _shared(part: nn.Module, within: str) -> list[tuple[list[str], nn.Parameter]]:
    """Parameters with all their names: tied ones have several, of which a file may have one."""
    found: dict[int, tuple[list[str], nn.Parameter]] = {}
    for name, parameter in part.named_parameters(remove_duplicate=False):
        found.setdefault(id(parameter), ([], parameter))[0].append(within + name)
    return list(found.values())


def is_finite(tensor: Tensor) -> bool:
    """Whether all of a tensor's numbers are finite; in one pass, without a copy of what is in fp32."""
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    return all(bool(end.isfinite()) for end in tensor.float().aminmax())


def _is_computed(network: nn.Module, name: str) -> bool:
    """Whether a parameter follows from its place alone, as a table of sines does."""
    module = network.get_submodule(name.rpartition(".")[0])
    return "Sinusoidal" in type(module).__name__


def _is_whole_number(tensor: Tensor, skeleton: nn.Module, name: str) -> bool:
    module, _, own = name.rpartition(".")
    return not tensor.is_floating_point() and own in skeleton.get_submodule(module)._parameters


def _number(tensor: Tensor) -> Tensor:
    return tensor.to(torch.float32, copy=True) if tensor.is_floating_point() else tensor.clone()


def _same(here: Tensor, there: Tensor) -> bool:
    if hasattr(here, "quant_state"):
        from bitsandbytes.functional import dequantize_4bit

        found = dequantize_4bit(here.data, here.quant_state).float().cpu()
        error = (found - there.float()).norm()
        return bool(error <= _ROUGHLY * there.float().norm())
    return torch.equal(here.detach().cpu(), there.to(here.dtype))


def _called(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _broken(place: str, names: list[str], fix: str = "") -> FoldshipError:
    return FoldshipError(
        f"{place}: weights are no finite numbers",
        found=listed(names),
        fix=fix or "its training diverged, or the file is damaged: take another checkpoint",
    )
