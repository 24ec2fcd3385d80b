"""How a network of other makers reads rows: its tokenizer, and the encoding that gives the same tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from transformers import PreTrainedTokenizerFast

from foldship.adoption.network import UNLIMITED, Network
from foldship.config.adopting import Adopted
from foldship.modelling import backbone, reading
from foldship.modelling.adopted import ONNX, SENTENCES
from foldship_kernel import spans
from foldship_kernel.cleaning import Cleaning
from foldship_kernel.encode import EncodingSpec, TowerSpec
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.errors import FoldshipError, listed
from foldship_kernel.tasks import Task

FILE = "tokenizer.json"
PADS = ("[PAD]", "<pad>", "<PAD>")
SAMPLE = 64


@dataclass(frozen=True)
class Words:
    """A tokenizer and where its length limit comes from.

    Attributes:
        tokenizer: a fast one that pads on the right.
        trained: sequences were cut to this when it was saved; None where they were not.
    """

    tokenizer: PreTrainedTokenizerFast
    trained: int | None


def load(folders: Sequence[Path], given: Path | None, base: str) -> Words:
    """The tokenizer that all folds have.

    Args:
        folders: of the folds.
        given: a folder or `tokenizer.json` that is named instead.
        base: of the first fold, the pretrained encoder, whose tokenizer serves where the folds have none;
            "" where it is not known.

    Raises:
        FoldshipError: there is none, it is none that can be used, or two folds have different ones.
    """
    own = [folder / FILE for folder in folders if (folder / FILE).is_file()]
    different = [path for path in own[1:] if path.read_bytes() != own[0].read_bytes()]
    if given is None and any(_words(path) != _words(own[0]) for path in different):
        raise FoldshipError(
            f"{different[0]}: another tokenizer than {own[0]}",
            expected="the same vocabulary and rules in every fold",
            fix="name the right one by `tokenizer`, or adopt the folds as models of their own",
        )
    place = given or (folders[0] if _has_one(folders[0]) else None)
    if place is None and not base:
        raise FoldshipError(
            f"{folders[0]}: there is no tokenizer beside the model",
            expected=f"{FILE}, as tokenizer.save_pretrained leaves it",
            fix="save it there, or name its folder or file by `tokenizer`",
        )
    tokenizer = _tokenizer(str(place or base))
    return Words(tokenizer, _trained_length(place))


def _tokenizer(source: str) -> PreTrainedTokenizerFast:
    path = Path(source)
    file = path if path.is_file() else path / FILE
    folder = path.parent if path.is_file() else path
    named = (folder / "tokenizer_config.json").is_file() or (folder / "config.json").is_file()
    if file.is_file() and not named:
        return _bare(file)
    tokenizer = backbone.load_tokenizer(str(folder) if path.exists() else source)
    if tokenizer.pad_token_id is None:
        raise FoldshipError(
            f"{source}: the tokenizer has no token to pad with",
            fix="set pad_token in its tokenizer_config.json",
        )
    return tokenizer


def _bare(file: Path) -> PreTrainedTokenizerFast:
    """A tokenizer of which there is the one file alone; it does not name its padding token."""
    try:
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(file))
    except Exception as error:  # the tokenizers library raises nothing narrower
        raise FoldshipError(
            f"{file}: cannot be read as a tokenizer", found=str(error).splitlines()[0], fix="save it again"
        ) from error
    pad = next((token for token in PADS if token in tokenizer.get_vocab()), None)
    if pad is None:
        raise FoldshipError(
            f"{file}: which token it pads with is not known",
            expected=f"tokenizer_config.json beside it, or a token {listed(list(PADS))}",
            fix="save it with tokenizer.save_pretrained, which writes both files",
        )
    tokenizer.pad_token = pad
    return tokenizer


def _has_one(folder: Path) -> bool:
    names = (FILE, "tokenizer_config.json", "vocab.txt", "spm.model", "sentencepiece.bpe.model", "vocab.json")
    return any((folder / name).is_file() for name in names)


def _words(path: Path) -> Any:
    """What a tokenizer does to words: not how long sequences were when it was saved."""
    value = json.loads(path.read_text(encoding="utf-8"))
    return {key: part for key, part in value.items() if key not in ("truncation", "padding")}


def _trained_length(place: Path | None) -> int | None:
    file = None if place is None else place if place.is_file() else place / FILE
    if file is None or not file.is_file():
        return None
    truncation = json.loads(file.read_text(encoding="utf-8")).get("truncation") or {}
    return int(truncation["max_length"]) if "max_length" in truncation else None


def encoding(
    network: Network, words: Words, task: Task, settings: Adopted
) -> tuple[EncodingSpec, tuple[str, ...]]:
    """The encoding, and what was assumed about it, one line each.

    Raises:
        FoldshipError: which texts are read is not clear, or the sequences are longer than the network takes.
    """
    names = _texts(network, task, settings)
    length, why = _length(network, words, settings)
    parts = [(name,) for name in names] if network.kind == SENTENCES else [names]
    pair = len(parts[0]) > 1
    given = "token_type_ids" in words.tokenizer.model_input_names
    spec = EncodingSpec(
        towers=tuple(TowerSpec(part, length, (None,) * len(part)) for part in parts),
        head_fraction=settings.head_fraction,
        **reading.special_tokens(words.tokenizer, "the model"),
        segment_ids=network.segments if network.kind == ONNX else pair and given and network.segments,
        cleaning=Cleaning(**settings.cleaning.model_dump()),
    )
    how = "two sequences" if len(parts) > 1 else "one sequence"
    notes = [f"reads {' and '.join(names)}, {how} of at most {length} tokens ({why})"]
    if network.kind == ONNX:
        notes += _token_types(network, words.tokenizer, pair)
    return spec, tuple(notes)


def _token_types(network: Network, tokenizer: PreTrainedTokenizerFast, pair: bool) -> list[str]:
    """What is to be said of a graph whose inputs are not those that its tokenizer makes.

    Raises:
        FoldshipError: it reads what its tokenizer never made, so that nobody knows what the model was fed.
    """
    makes = "token_type_ids" in tokenizer.model_input_names
    if network.segments and not makes and pair:
        raise FoldshipError(
            "the graph reads token_type_ids, and its tokenizer does not make them",
            expected="inputs that the tokenizer makes: " + listed(tokenizer.model_input_names),
            fix="name the tokenizer that the model was trained with by `tokenizer`, or export the model with "
            "input_ids and attention_mask alone",
        )
    told_apart = any(tokenizer.backend_tokenizer.encode("a", "b").type_ids)
    if makes and told_apart and not network.segments and network.config.get("type_vocab_size", 2) > 1:
        return [
            "WARNING: the tokenizer makes token_type_ids, and the graph does not read them: if the model was "
            "trained with them, it cannot tell two texts apart; export it with token_type_ids as an input"
        ]
    return []


def _texts(network: Network, task: Task, settings: Adopted) -> tuple[str, ...]:
    known = list(task.texts)
    names = settings.texts or tuple(known)
    most = 2 if settings.texts is None else len(names)
    if network.kind == SENTENCES and len(names) != 2:
        raise FoldshipError(
            "a sentence encoder compares two texts",
            expected=f"two texts among {listed(known)}",
            found=listed(list(names)),
            fix="name them by `texts`",
        )
    strange = [name for name in names if name not in task.texts]
    if strange or len(names) > most:
        raise FoldshipError(
            f"texts: the competition has no text {strange[0]!r}"
            if strange
            else "texts: which of the competition's texts the model reads, and in which order, is not known",
            expected=f"names among {listed(known)}, in the model's order",
            fix="name them by `texts`; a text of a form of its own can be a template in competition.yaml",
        )
    return names


def _length(network: Network, words: Words, settings: Adopted) -> tuple[int, str]:
    limit = network.longest
    if settings.max_tokens is not None:
        if limit is not None and settings.max_tokens > limit:
            raise FoldshipError(
                "max_tokens: longer than the model takes",
                expected=f"at most {limit}",
                found=str(settings.max_tokens),
                fix="state the length that the model was trained with",
            )
        return settings.max_tokens, "stated"
    own = words.tokenizer.model_max_length
    named = (
        (limit if network.kind == SENTENCES else None, "its max_seq_length"),
        (words.trained, "its tokenizer.json cuts there"),
        (own if own <= UNLIMITED else None, "model_max_length of its tokenizer"),
        (limit, "its number of positions"),
    )
    found = next(((length, why) for length, why in named if length), None)
    if found is None:
        raise FoldshipError(
            "max_tokens: the model's files do not say how long its sequences are",
            fix="state max_tokens, as the model was trained with",
        )
    length, why = found
    return min(length, limit or length), f"{why}; state max_tokens if it was trained with another length"


def differing(
    encoded: EncodedRows,
    spec: EncodingSpec,
    rows: pd.DataFrame,
    task: Task,
    tokenizer: PreTrainedTokenizerFast,
) -> int | None:
    """In how many of some rows the kernel's tokens are not those of the tokenizer's own call.

    Args:
        encoded, spec: rows as the kernel reads them.
        rows, task: the same as the competition has them.
        tokenizer: the model's.

    Returns:
        None where there is no such call: for more than two texts, or texts that are changed or cut otherwise.
    """
    names = spec.towers[0].segments
    if len(names) > 2 or not spec.cleaning.raw or spec.head_fraction < 1:
        return None
    chosen = reading.of_all_lengths(encoded, SAMPLE)
    texts = [task.raw_texts(rows.iloc[chosen])[name] for name in names]
    cells = [[spans.clear(value) if isinstance(value, str) else "" for value in column] for column in texts]
    wanted = tokenizer(*cells, truncation=True, max_length=spec.towers[0].max_tokens)
    count = 0
    for place, number in enumerate(encoded.index[chosen, 0]):
        same = list(wanted["input_ids"][place]) == list(encoded.sequence(number))
        if spec.segment_ids and "token_type_ids" in wanted:
            kinds = np.arange(encoded.lengths[number]) >= encoded.boundaries[number]
            same &= list(wanted["token_type_ids"][place]) == kinds.astype(int).tolist()
        count += not same
    return count
