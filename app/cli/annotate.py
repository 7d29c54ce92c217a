"""`anamnesis annotate`: sections, mentions and assertions of JSON lines; needs no database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO, cast

from indexing.errors import InvalidInput
from indexing.language.assertion import Assessment, Offsets, assess
from indexing.language.pipeline import Language
from indexing.language.terminology import Terminology, open_terminology
from indexing.model import Annotation, Cue


def annotate_command(
    home: Path | None, json_out: bool, stdin: TextIO, stdout: TextIO,
    terminology: Terminology | None = None,
) -> int:  # fmt: skip
    """Answer each line {"text", "spans"?} with one line; a line that cannot be read is answered
    with {"error", "line"}. Returns 1 if there was one, else 0. Output is JSON with or without
    `json_out`: there is no other form. `terminology` stands in place of the home's."""
    del json_out
    language = Language(terminology or open_terminology(home))
    failed = False
    for number, line in enumerate(_lines(stdin), start=1):
        if not line.strip():
            continue
        try:
            text, spans = _request(line)
            answer = _answer(language.annotate(text), text, spans)
        except InvalidInput as fault:
            failed = True
            answer = {"error": str(fault), "line": number}
        stdout.write(json.dumps(answer, separators=(",", ":")) + "\n")
        stdout.flush()
    return 1 if failed else 0


def _lines(stdin: TextIO) -> Iterator[bytes]:
    """Yield lines as bytes, so that one wrong encoding does not end the rest."""
    raw = getattr(stdin, "buffer", None)
    if raw is not None:
        yield from cast("Iterable[bytes]", raw)
    else:
        for line in stdin:
            yield line.encode("utf-8", "surrogatepass")


def _request(line: bytes) -> tuple[str, list[Offsets] | None]:
    try:
        read = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as fault:
        raise InvalidInput(f"not UTF-8 at byte {fault.start}") from None
    except json.JSONDecodeError as fault:
        raise InvalidInput(f"not JSON at character {fault.pos}") from None
    except RecursionError:
        raise InvalidInput("nested too deeply") from None
    except ValueError:
        raise InvalidInput("a number is too long") from None
    if not isinstance(read, dict) or not isinstance(read.get("text"), str):
        raise InvalidInput('needs an object with a string under "text"')
    spans = read.get("spans")
    return read["text"], None if spans is None else _spans(spans, len(read["text"]))


def _spans(given: object, length: int) -> list[Offsets]:
    if not isinstance(given, list):
        raise InvalidInput('"spans" must be a list of [start, end]')
    found = []
    for i, pair in enumerate(given):
        match pair:
            case [int() as start, int() as end] if 0 <= start < end <= length:
                found.append(Offsets(start, end))
            case _:
                raise InvalidInput(f"spans[{i}] must be [start, end) within the text")
    return found


def _answer(annotation: Annotation, text: str, spans: list[Offsets] | None) -> Mapping[str, object]:
    answer: dict[str, object] = {
        "sections": [
            {"start": part.start, "end": part.end, "name": part.name}
            for part in annotation.sections
            if part.name
        ],
        "mentions": [
            {
                "start": mention.start,
                "end": mention.end,
                "text": text[mention.start : mention.end],
                "concept": mention.concept_id,
                "name": mention.name,
                "assertion": mention.assertion.value,
                "status": mention.status.value,
                "cue": _cue(mention.cue),
                "section": mention.section,
                "ambiguous": mention.ambiguous,
            }
            for mention in annotation.mentions
        ],
        "spans": [],
    }
    if spans is not None:
        judged = assess(text, annotation.sections, spans)
        answer["spans"] = [_span(s, a) for s, a in zip(spans, judged, strict=True)]
    return answer


def _span(span: Offsets, judged: Assessment) -> Mapping[str, object]:
    return {
        "start": span.start,
        "end": span.end,
        "assertion": judged.assertion.value,
        "historical": judged.historical,
        "family": judged.family,
        "cue": _cue(judged.cue),
    }


def _cue(cue: Cue | None) -> Mapping[str, object] | None:
    return None if cue is None else {"start": cue.start, "end": cue.end, "text": cue.text}
