"""What a column looks like: a name of rows, a text, a category, numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

MOST_CATEGORIES = 30
LEAST_WORDS = 3  # of a text, on average
_LONG_WORDS = 5  # of one whose values come again and again
_SHORT_WORDS = 1.3
_COUNTED = 10_000  # rows whose words are
_LEAST_FILLED = 0.2  # of the rows
_TEXT_NAMES = re.compile(
    r"text|tweet|comment|content|body|title|question|answer|sentence|phrase|essay|excerpt|review|prompt|response"
    r"|premise|hypothesis|discourse|abstract|description|headline|summary|message|anchor|passage|explanation"
)
_NO_TEXT_NAMES = re.compile(r"name|user|url|link|author|host|date|lang|type|locat|_id$")
_ID_NAMES = re.compile(r"(^|[_\s-])(id|key|guid|uuid)s?$|[a-z](ID|Id|Key)$|^\w{1,4}id$|^(row_?)?index$")


def is_id_name(name: str) -> bool:
    """Whether a column is called like one that names rows."""
    return bool(_ID_NAMES.search(name) or _ID_NAMES.search(name.lower()))


def names_rows(column: pd.Series) -> bool:
    """Whether the values are all there and all different, and each is one word, as ids are."""
    whole = column.is_unique and bool(column.str.strip().ne("").all())
    return whole and not bool(column.str.strip().str.contains(r"\s").any())


def texts(rows: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Columns that a model can read as texts: long ones, and short ones that are called like a text.

    Where none is long, the short ones are the texts, as tweets of a word or two; and where no column is even
    that, the likeliest is, if there is any, by its name and then by its length.
    """
    able = [name for name in names if not are_numbers(rows[name][rows[name] != ""])]
    long = [name for name in able if is_text(rows[name])]
    short = [name for name in able if _words(rows[name]) >= _SHORT_WORDS and not is_few(rows[name])]
    if long or short:
        return [name for name in able if name in long or (name in short and (not long or _called(name)))]
    able = [name for name in able if rows[name].nunique() > 1 and not _are_codes(rows[name])]
    likely = [name for name in able if _called(name)]
    likely = likely or [name for name in able if not is_few(rows[name]) and not is_id_name(name)]
    return sorted(likely, key=lambda name: -float(rows[name].str.len().mean()))[:1]


def is_text(column: pd.Series) -> bool:
    """Whether the values are of several words, and so texts even where nothing else says so."""
    words = _words(column)
    if is_few(column):
        return words >= (LEAST_WORDS if _called(str(column.name)) else _LONG_WORDS)
    return words >= LEAST_WORDS


def _words(column: pd.Series) -> float:
    """Words of a value, on average; 0 where most are empty."""
    filled = column[column.str.strip() != ""]
    if not len(filled) or len(filled) < _LEAST_FILLED * len(column):
        return 0.0
    return float(filled.iloc[:_COUNTED].map(lambda text: len(text.split())).mean())


def _are_codes(column: pd.Series) -> bool:
    """Whether all values are one word with a digit in it, as names of files are."""
    return bool(column.str.fullmatch(r"\S*\d\S*").all())


def _called(name: str) -> bool:
    """Whether a column is called like a text."""
    return bool(_TEXT_NAMES.search(name.lower())) and not _NO_TEXT_NAMES.search(name.lower())


def is_category(column: pd.Series) -> bool:
    """Whether the values are few and no numbers."""
    return is_few(column) and column.nunique() > 1 and not are_numbers(column)


def is_few(column: pd.Series) -> bool:
    """Whether the same values come again and again."""
    return bool(column.nunique() <= min(MOST_CATEGORIES, len(column) // 2))


def are_numbers(column: pd.Series) -> bool:
    """Whether all values are numbers."""
    return bool(pd.to_numeric(column, errors="coerce").notna().all())


def are_integers(column: pd.Series) -> bool:
    """Whether all values are whole numbers, be they written `1` or `1.0`."""
    numbers = pd.to_numeric(column, errors="coerce")
    return bool(numbers.notna().all() and (numbers % 1 == 0).all())


def alike(rows: pd.DataFrame, texts: list[str]) -> bool:
    """Whether two texts are of about one length, as two that are compared."""
    lengths = rows[texts].apply(lambda column: column.str.len()).mean()
    return float(lengths.max()) < 2 * float(lengths.min())
