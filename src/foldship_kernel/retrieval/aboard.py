"""Retrieval in the kernel: offline, within its share of the time, and never a reason to end the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from foldship_kernel.deadline import Deadline
from foldship_kernel.errors import BundleError
from foldship_kernel.journal import Journal
from foldship_kernel.parts import Files
from foldship_kernel.retrieval.spec import RetrievalSpec
from foldship_kernel.rows import PreparedRows, Rows

SHARE = 0.2  # of the time left, for questions to be read for their meaning; twice that for all of it


@contextmanager
def with_passages(
    rows: Rows, spec: RetrievalSpec | None, files: Files, journal: Journal, deadline: Deadline
) -> Iterator[Rows]:
    """The rows, which get their passages as they are read; at the end the journal is told how that went.

    Args:
        rows: the competition's.
        spec: how passages are chosen; None where models read none.
        files: the bundle's.
        journal: told loudly when passages cannot be found, or by words only.
        deadline: the clock of the run.
    """
    if spec is None:
        yield rows
        return
    # Their search by meaning needs ONNX Runtime, which may just now have become importable.
    from foldship_kernel.retrieval.index import FOLDER, Index
    from foldship_kernel.retrieval.retriever import Retriever

    try:
        index = Index(lambda name: files.path(f"{FOLDER}/{name}"))
    except BundleError as error:
        journal.loud(f"ROWS ARE READ WITHOUT PASSAGES: {error}")
        yield rows
        return
    retriever = Retriever(index, spec, journal.loud, SHARE * deadline.left_s(), deadline.now)
    yield PreparedRows(rows, retriever.add)
    journal.phases["retrieve"] = retriever.spent_s
    journal.facts["retrieval"] = {
        "passages": index.count,
        "rows": retriever.rows,
        "by_meaning": retriever.by_meaning,
        "seconds": round(retriever.spent_s, 3),
    }
    by_words = retriever.rows - retriever.by_meaning if spec.dense > 0 else 0
    lines = [f"passages from {index.count:,} for {retriever.rows:,} rows: {retriever.spent_s:.1f} s"]
    if by_words:
        lines.append(f"{by_words:,} rows were sought by words only")
    if retriever.late:
        lines.append(f"for {retriever.late:,} rows there was no time: they have no passages")
    (journal.loud if len(lines) > 1 else journal.say)("\n".join(lines))
