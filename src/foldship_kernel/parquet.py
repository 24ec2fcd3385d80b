"""Rows of a Parquet file, in pieces. pyarrow is imported only here, and only where a table is Parquet."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from foldship_kernel.errors import NEW_FILE, DataError
from foldship_kernel.opening import Source


def objects(source: Source, columns: Sequence[str] | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield each row's values by column, as Python has them; None where one is missing.

    Args:
        source: the table.
        columns: top-level columns to read, as far as they are there; None for all.

    Raises:
        DataError: pyarrow is not installed, or the file is damaged.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise DataError(
            f"{source}: a Parquet file, which needs the package pyarrow",
            expected="pyarrow, or the table as CSV",
            found=str(error),
            fix="install it with `pip install pyarrow`, or save the table as CSV under the declared name",
        ) from error
    with ExitStack() as stack:
        if source.steps:  # it is read from the end: what is packed is unpacked into memory
            content: Any = io.BytesIO(stack.enter_context(source.open()).read())
        else:
            content = str(source.file)
        try:
            file = stack.enter_context(parquet.ParquetFile(content))
            there = list(dict.fromkeys(file.schema_arrow.names))
            chosen = there if columns is None else [name for name in there if name in columns]
            for batch in file.iter_batches(columns=chosen):
                yield from batch.to_pylist()
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(
                f"{source}: no readable Parquet file", found=str(error).splitlines()[0], fix=NEW_FILE
            ) from error
