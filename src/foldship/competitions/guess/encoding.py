"""Which encoding a table of text is in, where it is not UTF-8."""

from __future__ import annotations

import codecs

from charset_normalizer import from_bytes

from foldship_kernel import encodings, magic
from foldship_kernel.opening import Source

_SAMPLE = 1 << 21  # bytes that are looked at
_WESTERN = "cp1252"
_FEW = 0.08  # of the bytes of a text in a Western language are beyond ASCII; in Cyrillic or Chinese most are


def find(source: Source) -> str:
    """The encoding of a file, as Python names it; UTF-8 also where most of it is, but for stray bytes."""
    if source.layout.kind == magic.PARQUET or source.encoding != encodings.UTF8:  # a byte order mark says it
        return encodings.UTF8
    with source.open() as stream:
        wide = encodings.guess(stream.read(magic.HEAD), encodings.UTF8)
    if wide != encodings.UTF8:
        return wide
    sample = _around_the_first_error(source)
    if not sample:
        return encodings.UTF8
    text = sample.decode("utf-8", "replace")
    stray = text.count("\ufffd")
    if sum(character > "\x7f" for character in text) > 5 * stray:
        return encodings.UTF8
    beyond = sum(byte > 0x7F for byte in sample)
    if beyond <= _FEW * len(sample) and _decodes(sample, _WESTERN):
        return _WESTERN
    best = from_bytes(sample).best()
    return _WESTERN if best is None else best.encoding


def _around_the_first_error(source: Source) -> bytes:
    """The start of a file and the part that is not UTF-8; nothing where all is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    start = b""
    with source.open() as stream:
        while piece := stream.read(magic.HEAD):
            if len(start) < _SAMPLE:
                start += piece
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                rest = stream.read(_SAMPLE)
                return (start if start.endswith(piece) else start + piece) + rest
    return b""


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
