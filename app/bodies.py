"""JSON bodies of our own interface: read, decoded, and what is wrong with one told."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TypeVar

import msgspec
from fastapi import Request
from msgspec import structs

from app.errors import WrongMedia
from indexing.errors import InvalidInput

T = TypeVar("T", bound=msgspec.Struct)

_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `.*`)?", re.DOTALL)
_WRONG = re.compile(r"(Expected .*?)(?: - at `\$\.?(.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`.*", re.DOTALL)
# What is longer, or no name, may be somebody's words put where a field's name belongs.
_NAME = re.compile(r"[A-Za-z_]{1,30}")


async def read_body(request: Request) -> bytes:
    """Read a JSON body."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind.lower() != "application/json":
        raise WrongMedia("send application/json")
    return await request.body()


def decoded(decoder: msgspec.json.Decoder[T], body: bytes, example: str) -> T:
    """Decode a body.

    Raises:
        InvalidInput: names the field at fault and what it takes; the value that was sent is not
            told.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as exc:
        fields = [field.encode_name for field in structs.fields(decoder.type)]
        fault = _fault(str(exc), fields)
    except (msgspec.DecodeError, RecursionError):
        fault = "the body is not JSON"
    raise InvalidInput(fault, hint=f"send {example}")


def _fault(said: str, fields: list[str]) -> str:
    """Say in our words what the decoder said; it quotes names of fields, and no values."""
    if wrong := _WRONG.fullmatch(said):
        what = wrong[1][0].lower() + wrong[1][1:]
        return f"`{wrong[2]}`: {what}" if wrong[2] else f"the body: {what}"
    if missing := _MISSING.fullmatch(said):
        return f"`{missing[1]}` is missing"
    unknown = _UNKNOWN.fullmatch(said)
    name = unknown[1] if unknown and _NAME.fullmatch(unknown[1]) else ""
    near = get_close_matches(name.lower(), fields, n=1)
    instead = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(fields)}"
    return f"no field {f'`{name}` ' if name else 'of this name '}is taken here: {instead}"
