"""The stage's entry: folds that were trained elsewhere in, a model folder as training leaves it out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from foldship import receipts
from foldship.adoption import (
    adapters,
    agreement,
    classifiers,
    graphs,
    meaning,
    predictions,
    sentences,
    sources,
    tokens,
)
from foldship.adoption.network import Network, common
from foldship.adoption.sources import Source
from foldship.adoption.tokens import Words
from foldship.config.adopting import Adopted
from foldship.mishaps import step
from foldship.modelling import adopted, aside, graph_files, lock, reading, store
from foldship.modelling.adopted import NETWORK, AdoptedCard
from foldship.modelling.store import OUT_OF_FOLD, TOKENIZER
from foldship_kernel.atomic import write_csv, write_json
from foldship_kernel.errors import DataError, FoldshipError
from foldship_kernel.tasks import Task

CODE = Path(__file__).parent
MODEL_CARD = "README.md"  # which names the licence


@dataclass(frozen=True)
class Given:
    """What all models of an experiment are adopted for.

    Attributes:
        task: the competition.
        rows: training rows with float targets.
        split: id, group and fold of each row, in their order.
        weights: the competition's folder for weights.
        root: the project's root, where relative paths begin.
    """

    task: Task
    rows: pd.DataFrame
    split: pd.DataFrame
    weights: Path
    root: Path


@step("adopting {name}")
def run(name: str, settings: Adopted, given: Given) -> list[str]:
    """Adopt a model into `weights/<name>/`; what is there of just these files and settings is kept.

    A model of this name that was made from other things is set aside, as training does. Where the files that
    it was adopted from are gone, what is there is kept as long as settings and data are the same.

    Args:
        name: of the model.
        settings: where its folds are, and what is said about them.
        given: what it is adopted for.

    Returns:
        What was recognised and assumed, one line each.

    Raises:
        FoldshipError: a fold, the tokenizer or the out-of-fold file cannot be used, or they do not fit each
            other or the competition; what was there before is as it was.
    """
    folder = given.weights / name
    data = receipts.digest(given.rows.to_csv(index=False))
    try:
        found = sources.find(settings.folds, given.root)
    except FoldshipError:
        if not _is_of(folder, settings, data):
            raise
        return ["its files are gone; what was adopted of them is kept"]
    oof = None if settings.oof is None else _file(settings.oof, given.root, "oof")
    named = None if settings.tokenizer is None else _file(settings.tokenizer, given.root, "tokenizer")
    fingerprint = _fingerprint(settings, given, data, found, [path for path in (oof, named) if path])
    if store.fingerprint(folder) == fingerprint and _is_whole(folder):
        return ["adopted before from just these files, kept"]
    earlier = aside.place(folder, fingerprint)
    with lock.held(given.weights):
        if earlier.is_dir() and _is_whole(earlier):
            aside.make_room(folder, fingerprint)
            return [f"adopted before from just these files, and brought back from {earlier.name}"]
        staged = Path(tempfile.mkdtemp(prefix=f".{name}-new-", dir=given.weights))
        try:
            card, words, notes = _fill(staged, name, settings, given, found, named, data, fingerprint)
            notes += _compare(staged, card, words, given, oof)
            if store.fingerprint(folder) != fingerprint:
                aside.make_room(folder, fingerprint)
            shutil.rmtree(folder, ignore_errors=True)  # of just these files, but damaged
            staged.chmod(0o755)
            staged.rename(folder)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    return notes


def _fill(
    folder: Path,
    name: str,
    settings: Adopted,
    given: Given,
    found: Sequence[Source],
    named: Path | None,
    data: str,
    fingerprint: str,
) -> tuple[AdoptedCard, Words, list[str]]:
    """Write weights, tokenizer, configuration and card; returns what was made, and what was recognised."""
    names = [source.name for source in found]
    networks = []
    for number, source in enumerate(found):
        out = folder / f"fold{number}"
        out.mkdir()
        networks.append(_take(source, out, given, settings.base))
        details = {"fold": number, "score": None, "source": source.name}
        receipts.write(out, receipts.digest([fingerprint, number]), details)
    network = common(networks, names)
    words = tokens.load([source.folder for source in found], named, network.words or network.backbone)
    encoding, read = tokens.encoding(network, words, given.task, settings)
    outputs = meaning.understand(network, given.task, settings)
    (folder / TOKENIZER).parent.mkdir()
    words.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
    (folder / NETWORK).mkdir()
    if network.config:
        write_json(folder / NETWORK / "config.json", network.config)
    if (found[0].folder / MODEL_CARD).is_file():
        shutil.copyfile(found[0].folder / MODEL_CARD, folder / NETWORK / MODEL_CARD)
    card = AdoptedCard(
        name=name,
        task=given.task,
        source=str(folder / NETWORK),
        settings=settings,
        kind=network.kind,
        encoding=encoding,
        data=data,
        fingerprint=fingerprint,
        backbone=network.backbone,
        count=len(found),
        numbered=False,
        mixture=outputs.mixture,
        meaning=outputs.meaning,
        pooling=network.pooling,
        dense=network.dense,
        shape=network.shape,
    )
    card.save(folder)
    type_of = network.config.get("model_type")
    architecture = f" ({type_of})" if type_of else ""
    kind = f"{found[0].kind}{'s' * (len(found) > 1)}{architecture}"
    said = dict.fromkeys(note for network in networks for note in network.notes)
    return card, words, [f"{len(found)} {kind}: {', '.join(names)}", *said, *read, *outputs.notes]


def _take(source: Source, out: Path, given: Given, base: str | None) -> Network:
    if base is not None and source.kind != sources.ADAPTER:
        raise FoldshipError(
            f"base: {source.name} is no adapter",
            expected="adapters, which are put on a base",
            found=source.kind,
            fix="remove base",
        )
    if source.kind == sources.SAVED:
        return classifiers.take_saved(source.path, out)
    if source.kind == sources.ADAPTER:
        return adapters.take(source.path, out, given.weights.parent, given.root, base)
    if source.kind == sources.SENTENCES:
        return sentences.take(source.path, out)
    return graphs.take(source.path, out)


def _compare(folder: Path, card: AdoptedCard, words: Words, given: Given, oof: Path | None) -> list[str]:
    """Write `oof.csv` where there is any, and look whether tokens and predictions are the same as there."""
    task, rows = given.task, given.rows
    encoded, _ = reading.read_rows(rows, task, folder / TOKENIZER, card.encoding, card.features)
    notes = []
    if other := tokens.differing(encoded, card.encoding, rows, task, words.tokenizer):
        why = "; texts with spans are cut around these" if task.spans else ""
        looked_at = min(tokens.SAMPLE, len(rows))
        notes.append(f"WARNING: {other} of {looked_at} rows get other tokens than by its tokenizer{why}")
    if oof is None:
        return [
            *notes,
            "no out-of-fold predictions: the model counts as much as any other, see docs/adopting.md",
        ]
    truth = rows[[task.id, *task.targets]]
    labels = [task.targets[row] for row in _owners(card)] if len(card.mixture[0]) == len(task.targets) else []
    read = predictions.read(oof, task, truth, labels or task.targets, card.count, given.split)
    write_csv(folder / OUT_OF_FOLD, read.table)
    replace(card, numbered=read.numbered).save(folder)
    notes += read.notes
    return [*notes, agreement.note(folder, card, encoded, read.table)] if read.numbered else notes


def _owners(card: AdoptedCard) -> list[int]:
    """The target of each output, where there are as many."""
    return [
        max(range(len(card.mixture)), key=lambda row: card.mixture[row][place])
        for place in range(len(card.mixture))
    ]


def _file(path: str, root: Path, key: str) -> Path:
    found = root / Path(path).expanduser()
    if not found.exists():
        raise DataError(
            f"{key}: {found} is not there", fix="correct the path; relative ones begin at the project's root"
        )
    return found


def _is_whole(folder: Path) -> bool:
    card = adopted.load_card(folder)
    file = adopted.GRAPH if card.kind == adopted.ONNX else store.WEIGHTS
    places = [folder / f"fold{number}" / file for number in range(card.count)]
    if not all(place.is_file() for place in places):
        return False
    return card.kind != adopted.ONNX or all(map(graph_files.is_whole, places))


def _is_of(folder: Path, settings: Adopted, data: str) -> bool:
    if not adopted.is_adopted(folder):
        return False
    card = adopted.load_card(folder)
    return card.settings == settings and card.data == data


def _fingerprint(
    settings: Adopted, given: Given, data: str, found: Sequence[Source], files: Sequence[Path]
) -> str:
    return receipts.digest(
        {
            "settings": settings.model_dump(mode="json"),
            "data": data,
            "task": asdict(given.task),
            "split": given.split.to_csv(index=False),
            "files": [
                *(source.digest() for source in found),
                *(receipts.digest_files(path) for path in files),
            ],
            "code": receipts.digest_files(CODE),
        }
    )
