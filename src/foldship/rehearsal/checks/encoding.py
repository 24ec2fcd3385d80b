"""The submission's bytes are UTF-8 without a byte order mark."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "encoding"
MARKS = {b"\xef\xbb\xbf": "UTF-8", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
REMEDY = "write it as UTF-8 without a byte order mark, which becomes part of the first column's name"


def check(run: Evidence) -> Finding:
    if run.submission_path is None:
        return Finding(NAME, False, "no submission to look at", "see 'submission present'")
    content = run.submission_path.read_bytes()
    mark = next((kind for start, kind in MARKS.items() if content.startswith(start)), None)
    if mark is not None:
        return Finding(NAME, False, f"it begins with a byte order mark of {mark}", REMEDY)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return Finding(NAME, False, f"byte {error.start:,} is no UTF-8", REMEDY)
    if b"\0" in content:
        return Finding(NAME, False, f"byte {content.index(0):,} is 0", REMEDY)
    return Finding(NAME, True, "UTF-8, no byte order mark")
