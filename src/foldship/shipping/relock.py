"""Make the locks anew that come along: `python -m foldship.shipping.relock`, after a change to an image."""

from __future__ import annotations

from collections.abc import Iterator

from foldship.images.printout import CPU, GPU, LOCAL
from foldship.shipping import needs, wheelhouse
from foldship.shipping.needs import OPENVINO
from foldship.shipping.wheelhouse import Place

CHOICES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (GPU, "gpu", ()),
    (CPU, "cpu", ()),
    (CPU, "cpu", (OPENVINO,)),
    (LOCAL, "cpu", ()),
    (LOCAL, "cpu", (OPENVINO,)),
)


def needed() -> Iterator[tuple[Place, list[str]]]:
    """Every place and what it needs, for which a lock comes along."""
    for image, accelerator, libraries in CHOICES:
        for place in wheelhouse.places([image], wheelhouse.LOCKS):
            yield place, needs.wanted(place.image, accelerator, libraries)


def main() -> None:
    for place, lacking in needed():
        made = wheelhouse.make_lock(place, lacking, wheelhouse.LOCKS)
        print(f"{wheelhouse.lock_name(place, lacking)}: {', '.join(pin.file for pin in made.pins)}")


if __name__ == "__main__":
    main()
