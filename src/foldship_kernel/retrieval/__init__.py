"""Passages found for a row's question: by its words and by its meaning, in an index that travels along."""

from foldship_kernel.retrieval.spec import RETRIEVED, RetrievalSpec

__all__ = ["RETRIEVED", "RetrievalSpec"]
