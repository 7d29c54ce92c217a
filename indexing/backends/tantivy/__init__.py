"""Embedded BM25: one Tantivy index per tenant."""

from indexing.backends.tantivy.lexical import TantivyLexicalIndex

__all__ = ["TantivyLexicalIndex"]
