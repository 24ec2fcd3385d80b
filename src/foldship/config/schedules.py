"""Learning-rate schedules: those of transformers, by its names, with the options that each takes.

Options in terms of an absolute rate (`lr_end`, `min_lr`) are left out: encoder and head have
rates of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from foldship.config.base import Positive, Share

Schedule = Literal[
    "linear",
    "cosine",
    "cosine_with_restarts",
    "polynomial",
    "constant",
    "constant_with_warmup",
    "inverse_sqrt",
    "reduce_lr_on_plateau",
    "cosine_with_min_lr",
    "cosine_warmup_with_min_lr",
    "warmup_stable_decay",
]
PLATEAU = "reduce_lr_on_plateau"

_Shrink = Annotated[float, Field(gt=0, lt=1)]
_Count = Annotated[int, Field(ge=1)]
_Delay = Annotated[int, Field(ge=0)]
_Shape = Literal["linear", "cosine", "1-sqrt"]
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "linear": {},
    "cosine": {"num_cycles": Positive},
    "cosine_with_restarts": {"num_cycles": _Count},
    "polynomial": {"power": Positive},
    "constant": {},
    "constant_with_warmup": {},
    "inverse_sqrt": {},
    PLATEAU: {"factor": _Shrink, "patience": _Delay, "threshold": Positive, "cooldown": _Delay},
    "cosine_with_min_lr": {"num_cycles": Positive, "min_lr_rate": Share},
    "cosine_warmup_with_min_lr": {"num_cycles": Positive, "min_lr_rate": Share, "warmup_lr_rate": Share},
    "warmup_stable_decay": {
        "num_decay_steps": _Count,
        "warmup_type": _Shape,
        "decay_type": _Shape,
        "min_lr_ratio": Share,
        "num_cycles": Positive,
    },
}
NEEDED: Mapping[str, str] = {
    "cosine_with_min_lr": "min_lr_rate",
    "cosine_warmup_with_min_lr": "min_lr_rate",
    "warmup_stable_decay": "num_decay_steps",
}


def check(schedule: str, options: Mapping[str, Any]) -> None:
    """Check the options of a schedule.

    Raises:
        ValueError: it does not take one, lacks one, or the value of one is out of range.
    """
    known = OPTIONS[schedule]
    for name, value in options.items():
        if name not in known:
            raise ValueError(f"schedule_options.{name}: {schedule} takes {', '.join(known) or 'no options'}")
        try:
            TypeAdapter(known[name]).validate_python(value, strict=not isinstance(value, int))
        except ValidationError as error:
            raise ValueError(f"schedule_options.{name}: {error.errors()[0]['msg']}, not {value!r}") from error
    needed = NEEDED.get(schedule)
    if needed and needed not in options:
        raise ValueError(f"schedule: {schedule} needs schedule_options.{needed}")
