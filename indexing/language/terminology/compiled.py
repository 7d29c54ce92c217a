"""The arrays a terminology is made of, and their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import orjson
from numpy.typing import NDArray

from indexing.language.terminology.lexicon import Lexicon

FORMAT = 4  # raise when the files or their meaning change: older snapshots are compiled again


@dataclass(frozen=True, slots=True)
class Graph:
    """Edges in rows by concept, both directions; `kind` is 2·EdgeKind + inverse. Rows are sorted
    by (kind, falling weight)."""

    ptr: NDArray[np.int32]
    other: NDArray[np.int32]
    kind: NDArray[np.uint8]
    weight: NDArray[np.float32]
    licence: NDArray[np.uint8]  # row of `licences`
    licences: list[str]


@dataclass(frozen=True, slots=True)
class Compiled:
    """One terminology. Row i of everything is concept `ids[i]`; its names are rows
    `name_ptr[i]:name_ptr[i+1]` of the name columns, preferred first."""

    version: str
    ids: list[str]
    types: NDArray[np.uint8]
    name_texts: list[str]
    name_ptr: NDArray[np.int32]
    name_kinds: NDArray[np.uint8]
    name_weights: NDArray[np.float32]
    name_trusted: NDArray[np.bool_]
    codes: list[list[str]]  # "SYSTEM:code", best first
    definitions: dict[int, str]
    information: NDArray[np.float32]
    graph: Graph
    lexicon: Lexicon


def save(compiled: Compiled, folder: Path) -> None:
    """Write every file of a snapshot into an existing, empty folder."""
    lexicon = compiled.lexicon
    texts = {
        "format": FORMAT,
        "version": compiled.version,
        "ids": compiled.ids,
        "names": compiled.name_texts,
        "codes": compiled.codes,
        "definitions": {str(k): v for k, v in compiled.definitions.items()},
        "licences": compiled.graph.licences,
        "word_codes": lexicon.codes,
        "settled": lexicon.settled,
        "drugs": lexicon.drugs,
        "patterns": lexicon.patterns,
    }
    (folder / "texts.json").write_bytes(orjson.dumps(texts))
    np.savez(
        folder / "arrays.npz",
        types=compiled.types,
        name_ptr=compiled.name_ptr,
        name_kinds=compiled.name_kinds,
        name_weights=compiled.name_weights,
        name_trusted=compiled.name_trusted,
        information=compiled.information,
        graph_ptr=compiled.graph.ptr,
        graph_other=compiled.graph.other,
        graph_kind=compiled.graph.kind,
        graph_weight=compiled.graph.weight,
        graph_licence=compiled.graph.licence,
        lex_ptr=lexicon.ptr,
        lex_concept=lexicon.concept,
        lex_flag=lexicon.flag,
        lex_weight=lexicon.weight,
        lex_kind=lexicon.kind,
    )


def read(folder: Path) -> Compiled | None:
    """Read a snapshot; None when there is none, it does not read, or it was written in another
    format."""
    try:
        texts = orjson.loads((folder / "texts.json").read_bytes())
        if texts.get("format") != FORMAT:
            return None
        with (folder / "arrays.npz").open("rb") as file, np.load(file) as packed:
            arrays = {name: packed[name] for name in packed.files}
    except (FileNotFoundError, EOFError, ValueError, BadZipFile):
        return None  # another process replaces it, or the machine fell while it was written
    lexicon = Lexicon(
        codes=texts["word_codes"],
        settled=texts["settled"],
        drugs=texts["drugs"],
        patterns=texts["patterns"],
        ptr=arrays["lex_ptr"],
        concept=arrays["lex_concept"],
        flag=arrays["lex_flag"],
        weight=arrays["lex_weight"],
        kind=arrays["lex_kind"],
    )
    return Compiled(
        version=texts["version"],
        ids=texts["ids"],
        types=arrays["types"],
        name_texts=texts["names"],
        name_ptr=arrays["name_ptr"],
        name_kinds=arrays["name_kinds"],
        name_weights=arrays["name_weights"],
        name_trusted=arrays["name_trusted"],
        codes=texts["codes"],
        definitions={int(k): v for k, v in texts["definitions"].items()},
        information=arrays["information"],
        graph=_graph(arrays, texts["licences"]),
        lexicon=lexicon,
    )


def _graph(arrays: dict[str, NDArray[Any]], licences: list[str]) -> Graph:
    return Graph(
        ptr=arrays["graph_ptr"],
        other=arrays["graph_other"],
        kind=arrays["graph_kind"],
        weight=arrays["graph_weight"],
        licence=arrays["graph_licence"],
        licences=licences,
    )
