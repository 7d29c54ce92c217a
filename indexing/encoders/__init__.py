"""Text to unit vectors: ONNX Runtime by default, sentence-transformers as an extra."""

from indexing.encoders.cached import CachedEncoder
from indexing.encoders.crossing import CrossEncoderReranker
from indexing.encoders.minilm import OnnxEncoder
from indexing.encoders.sentence import SentenceTransformersEncoder
from indexing.encoders.shelf import EncoderShelf

__all__ = [
    "CachedEncoder",
    "CrossEncoderReranker",
    "EncoderShelf",
    "OnnxEncoder",
    "SentenceTransformersEncoder",
]
