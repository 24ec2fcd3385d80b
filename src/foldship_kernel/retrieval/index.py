"""The index on disk: passages, their documents, postings and vectors, and the search in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship_kernel.atomic import write_json
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import ends
from foldship_kernel.errors import BundleError
from foldship_kernel.retrieval import arrays, meaning
from foldship_kernel.retrieval.words import Postings

FOLDER = "retrieval"  # of the bundle
INDEX, TEXTS, DOCUMENTS = "index.json", "passages.txt", "documents.json"
OFFSETS = "offsets"
POSTINGS = ("keys", "starts", "passages", "weights")
VECTORS, ENCODER, TOKENIZER = "vectors", "encoder.onnx", "tokenizer.json"
# Files that suffice to search by words, and what a search by meaning needs besides.
WORDS = (INDEX, TEXTS, DOCUMENTS, *(f"{name}.bin" for name in (OFFSETS, *POSTINGS)))
MEANING = (f"{VECTORS}.json", f"{VECTORS}.bin", ENCODER, TOKENIZER)

# Ranks are fused as in Cormack et al., "Reciprocal Rank Fusion outperforms Condorcet" (2009); scores of the
# two searches have no common scale.
_FUSION, _DEPTH = 60, 200


@dataclass(frozen=True)
class Found:
    """One passage that was chosen: its number, its text, its document."""

    number: int
    text: str
    document: str


class Index:
    """An index to search in; large files stay on disk and are read where they are needed.

    Args:
        place: the path of one of the index's files, by name.

    Attributes:
        count: number of passages.
        encoding: how the encoder reads a text; None where the index has no vectors.

    Raises:
        BundleError: a file is missing, or does not fit the others.
    """

    def __init__(self, place: Callable[[str], Path]) -> None:
        try:
            facts = json.loads(place(INDEX).read_text(encoding="utf-8"))
            self.encoding = EncodingSpec.from_dict(facts["encoding"]) if facts["encoding"] else None
            held = {
                name: arrays.read(place(f"{name}.bin"), facts["arrays"][name])
                for name in (OFFSETS, *POSTINGS)
            }
            self._offsets = held.pop(OFFSETS)
            self._text = arrays.read(place(TEXTS), ["u1", [int(self._offsets[-1])]])
            named = json.loads(place(DOCUMENTS).read_text(encoding="utf-8"))
            self._names, self._firsts = named["names"], np.array(named["firsts"], dtype=np.int64)
            self.count = len(self._offsets) - 1
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(
                f"the index of passages cannot be read: {error}",
                expected=", ".join(WORDS),
                fix="build the bundle again with `make bundle`, and upload every file of it",
            ) from error
        self._postings = Postings(**held, count=self.count)
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._place = place

    def embedder(self) -> meaning.Embedder:
        """The encoder of questions and passages.

        Raises:
            BundleError: the index has no vectors, or they or the encoder's files cannot be read.
        """
        try:
            if self.encoding is None:
                raise ValueError("it was built without vectors")
            facts = json.loads(self._place(f"{VECTORS}.json").read_text(encoding="utf-8"))
            found = arrays.read(self._place(f"{VECTORS}.bin"), facts["arrays"][VECTORS])
            if len(found) != self.count:
                raise ValueError(f"{len(found)} vectors for {self.count} passages")
            self._vectors = found
            return meaning.Embedder(self._place(ENCODER), self._place(TOKENIZER), self.encoding)
        except Exception as error:  # a native runtime's errors, too
            raise BundleError(f"passages cannot be searched by meaning: {error}") from error

    def text(self, number: int) -> str:
        """A passage, on one line."""
        part = slice(self._offsets[number], self._offsets[number + 1])
        return bytes(self._text[part]).decode("utf-8")

    def nearness(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines of questions with all passages: (questions, passages); `embedder` was called before.

        Args:
            vectors: (questions, width) float32, as the embedder gives them.
        """
        return meaning.similarities(self._vectors, vectors)

    def search(
        self,
        query: str,
        nearness: NDArray[np.float32] | None,
        *,
        most: int,
        dense: float,
        without: Sequence[str] = (),
    ) -> list[Found]:
        """The passages that fit best, the best first; equal ones in the index's order.

        Args:
            query: the question.
            nearness: a row of `nearness`; None to search by words alone.
            most: how many at most.
            dense: share of the search by meaning, from 0 to 1.
            without: documents whose passages do not count.
        """
        shares = [(1.0 if nearness is None else 1 - dense, self._postings.scores(query))]
        if nearness is not None and dense > 0:
            shares.append((dense, nearness.astype(np.float64)))
        out = [self._passages(name) for name in without if name in self._numbers]
        fused: dict[int, float] = {}
        for number, (share, scores) in enumerate(shares):
            for part in out:
                scores[part] = -np.inf
            by_words = number == 0
            for rank, place in enumerate(_best(scores, _DEPTH)):
                if share > 0 and scores[place] > (0 if by_words else -np.inf):
                    fused[place] = fused.get(place, 0.0) + share / (_FUSION + rank + 1)
        ranked = sorted(fused, key=lambda place: (-fused[place], place))
        return [Found(place, self.text(place), self._document(place)) for place in ranked[:most]]

    def _passages(self, document: str) -> slice:
        number = self._numbers[document]
        return slice(int(self._firsts[number]), int(self._firsts[number + 1]))

    def _document(self, passage: int) -> str:
        return str(self._names[int(np.searchsorted(self._firsts, passage, side="right")) - 1])


def _best(scores: NDArray[np.float64], most: int) -> list[int]:
    """Places of the highest scores, the highest first, equal ones in order."""
    if len(scores) > most:
        least = np.partition(scores, len(scores) - most)[len(scores) - most]
        places = np.flatnonzero(scores >= least)
    else:
        places = np.arange(len(scores))
    order = np.argsort(-scores[places], kind="stable")[:most]
    return [int(place) for place in places[order]]


def write(folder: Path, passages: Sequence[tuple[str, str]], encoding: EncodingSpec | None) -> None:
    """Write all of an index but its vectors and encoder.

    Args:
        folder: an empty folder.
        passages: document and text of each, those of a document side by side, every text on one line.
        encoding: how the encoder will read a text; None for an index without vectors.
    """
    texts = [text.encode("utf-8") for _, text in passages]
    (folder / TEXTS).write_bytes(b"".join(texts))
    offsets = ends(np.array([len(text) for text in texts], dtype=np.int64))
    described = {OFFSETS: arrays.write(folder / f"{OFFSETS}.bin", offsets)}
    names = list(dict.fromkeys(document for document, _ in passages))
    firsts = {document: place for place, (document, _) in reversed(list(enumerate(passages)))}
    write_json(
        folder / DOCUMENTS, {"names": names, "firsts": [*(firsts[name] for name in names), len(passages)]}
    )
    postings = Postings.of([text for _, text in passages])
    for name in POSTINGS:
        described[name] = arrays.write(folder / f"{name}.bin", getattr(postings, name))
    facts: dict[str, Any] = {
        "passages": len(passages),
        "documents": len(names),
        "arrays": described,
        "encoding": None if encoding is None else asdict(encoding),
    }
    write_json(folder / INDEX, facts)


def write_vectors(folder: Path, vectors: NDArray[np.float16]) -> None:
    """Write the vectors of the passages, (passages, width), each of length 1."""
    described = arrays.write(folder / f"{VECTORS}.bin", vectors)
    write_json(folder / f"{VECTORS}.json", {"arrays": {VECTORS: described}})
