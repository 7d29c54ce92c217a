"""What a figure depends on besides its settings: the data and the code, as short hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import orjson

from eval.benchmark import Benchmark

LENGTH = 12  # hexadecimal digits: enough to tell a site's data sets apart
_RANKING = ("indexing", "rankers")  # the packages that decide a ranking
_ELSEWHERE = (".pyc", ".onnx")  # made of the others, and named by a run's model


def data_version(benchmark: Benchmark) -> str:
    """Hash a corpus, its topics and its qrels, whatever their order in the files."""
    digest = hashlib.sha256()
    for text in sorted(benchmark.corpus, key=lambda text: text.doc_id):
        row = [text.doc_id, text.title, text.text, dict(text.metadata)]
        digest.update(orjson.dumps(row, option=orjson.OPT_SORT_KEYS))
    qrels = {topic: dict(judged) for topic, judged in benchmark.qrels.items()}
    rest = [dict(benchmark.topics), qrels]
    digest.update(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS))
    return digest.hexdigest()[:LENGTH]


@cache
def code_version() -> str:
    """Name the release, and hash the code and tables that decide a ranking."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in code_files(root):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    try:
        release = version("anamnesis")
    except PackageNotFoundError:
        release = "0"
    return f"{release}+{digest.hexdigest()[:LENGTH]}"


def code_files(root: Path) -> Iterator[Path]:
    """Yield the files of the packages that decide a ranking, code and tables, in order."""
    for package in _RANKING:
        for path in sorted((root / package).rglob("*")):
            if path.suffix not in _ELSEWHERE and path.is_file():
                yield path
