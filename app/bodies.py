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


async def read_body(request: Request) -> bytes:
    """Read a JSON body."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind.lower() != "application/json":
        raise WrongMedia("send application/json")
    return await request.body()


def decoded(decoder: msgspec.json.Decoder[T], body: bytes, example: str) -> T:
    """Decode a body.

    Raises:
        InvalidInput: names the field at fault and what it takes; neither a value that was sent is
            told nor the name of a field that is none, which may be somebody's words as well.
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
    """Say in our words what the decoder said; it quotes no values."""
    if wrong := _WRONG.fullmatch(said):
        what = wrong[1][0].lower() + wrong[1][1:]
        return f"`{wrong[2]}`: {what}" if wrong[2] else f"the body: {what}"
    if missing := _MISSING.fullmatch(said):
        return f"`{missing[1]}` is missing"
    unknown = _UNKNOWN.fullmatch(said)
    near = get_close_matches(unknown[1].lower(), fields, n=1) if unknown else []
    meant = f"; did you mean `{near[0]}`?" if near else ""
    return f"a field of this body is none of {', '.join(fields)}{meant}"
