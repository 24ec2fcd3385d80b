"""Folders that are replaced as a whole: what is at a place is always one result, the earlier or the new."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path


def replace(new: Mapping[Path, Path], gone: Collection[Path] = ()) -> None:
    """Put new folders at their places, all of them or none.

    Args:
        new: by place, the folder that goes there, in the order to put them; it is on the same file system.
            What is left at its old path afterwards is the caller's to clear away.
        gone: places that nothing goes to any more; what is there is deleted.

    Raises:
        OSError: a folder cannot be moved; all places are as they were before.
    """
    # The last place is the first to be empty and the last to be filled, the first one's aside comes last:
    # `restore` goes by both.
    *before, last = new
    places = [last, *gone, *before]
    for place in places:
        shutil.rmtree(_aside(place), ignore_errors=True)
    with ExitStack() as undo:
        for place in places:
            if place.exists():
                place.rename(_aside(place))
                undo.callback(_aside(place).rename, place)
        for place, folder in new.items():
            folder.rename(place)
            undo.callback(place.rename, folder)
        undo.pop_all()
    for place, folder in new.items():
        with suppress(OSError):  # there was none; or it stays, and the next call clears it away
            # Under its own name, half deleted, it could be taken for the earlier result.
            _aside(place).rename(folder)
            shutil.rmtree(folder)
    for place in gone:
        shutil.rmtree(_aside(place), ignore_errors=True)


@contextmanager
def replacing(place: Path) -> Iterator[Path]:
    """Yield an empty folder beside `place` that goes there if the block ends well.

    Raises:
        OSError: a folder cannot be made or moved; what was there before still is.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{place.name}-new-", dir=place.parent))
    try:
        yield staged
        staged.chmod(0o755)
        replace({place: staged})
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def restore(*places: Path, others: Collection[Path] = ()) -> None:
    """Put the earlier folders back after a `replace` that was killed before it was done.

    Args:
        places: all that are replaced together and never gone: the last ones of `new`, in its order.
        others: further places that may or may not have been replaced with them.
    """
    earlier = [place for place in (*places, *others) if _aside(place).exists()]
    if not earlier or all(place.exists() for place in places):
        return
    began_to_fill = _aside(places[0]).exists()
    for place in (*others, *places):
        if place in earlier:
            shutil.rmtree(place, ignore_errors=True)
            _aside(place).rename(place)
        elif place in others and began_to_fill:  # new, and of no use without what did not come
            shutil.rmtree(place, ignore_errors=True)


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}.old")
