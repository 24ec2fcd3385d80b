"""Passages for rows: the index is made where it is missing or old, then asked as the kernel asks it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import pandas as pd

from foldship.mishaps import step
from foldship.terminals import bar as progress_bar

if TYPE_CHECKING:
    from foldship.cli.context import Context
    from foldship.config.competition import Retrieval
    from foldship.retrieval.corpus import Passage


NAME = "retrieval"  # among the bundle's licences
PROBE = 64  # passages on which the exported encoder is compared with the original


def with_passages(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as models read them: with the passages found for each, where the competition wants such."""
    spec = context.competition.task.retrieval
    if spec is None:
        return rows
    from foldship_kernel.retrieval.index import Index
    from foldship_kernel.retrieval.retriever import Retriever

    made = Index(context.index.joinpath)
    with progress_bar(total=len(rows), desc="questions", unit="row") as bar:
        retriever = Retriever(made, spec, click.echo, progress=bar.update)
        return retriever.add(rows)


@step("making the index of passages")
def index(context: Context) -> Path:
    """Folder of the index of what is known now; nothing is done where it is there.

    Raises:
        FoldshipError: the encoder is not to be had, or there are no passages.
        DataError: the competition's files are malformed.
    """
    from foldship import export, folders, receipts
    from foldship import retrieval as stage
    from foldship.modelling import backbone, reading
    from foldship.retrieval import build
    from foldship_kernel.retrieval import index as kernel_index
    from foldship_kernel.retrieval import meaning

    spec = context.competition.declared.retrieval
    assert spec is not None
    folder, weights = context.workspace.retrieval, context.workspace.all_weights
    passages = _passages(context, spec)
    source = backbone.locate(spec.backbone, weights)
    code = [Path(module.__file__ or "").parent for module in (stage, kernel_index)]
    inputs = receipts.digest(
        {
            "passages": passages,
            "encoder": [backbone.fingerprint(source), spec.max_tokens] if spec.dense > 0 else None,
            "code": receipts.digest_files(*code, Path(export.embedder.__file__)),
            "versions": receipts.versions(),
        }
    )
    folders.restore(folder)
    if receipts.is_current(folder, inputs):
        return folder
    encoding = None
    with folders.replacing(folder) as new:
        if spec.dense > 0:
            tokenizer = backbone.load_tokenizer(source)
            encoding = reading.text_encoding(tokenizer, spec.backbone, meaning.TEXT, spec.max_tokens)
            export.embedder.write(source, encoding, new, [text for _, text in passages[:PROBE]])
        build.build(new, passages, encoding)
        receipts.write(new, inputs, {"passages": len(passages), "backbone": spec.backbone})
    documents = len({document for document, _ in passages})
    click.echo(f"index of {len(passages):,} passages from {documents:,} documents: {folder}")
    return folder


def _passages(context: Context, spec: Retrieval) -> list[Passage]:
    """What there is to be found, as the index holds it."""
    from foldship.retrieval import corpus

    own = corpus.of_rows(context.competition.columns(context.data, (spec.snippets, spec.sources)), spec)
    named = addresses(context, spec)
    return corpus.together([*own, *corpus.of_documents(context.workspace.documents, named)])


def addresses(context: Context, spec: Retrieval) -> list[str]:
    """The documents that the rows name, each once."""
    from foldship.retrieval import corpus

    if not spec.documents:
        return []
    rows = context.competition.columns(context.data, (spec.documents,))
    return corpus.read_documents(rows, spec.documents)
