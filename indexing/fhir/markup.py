"""HTML and RTF to plain text with its lines kept."""

from __future__ import annotations

import html
import re

import nh3
from striprtf.striprtf import rtf_to_text

MAX_NESTING = 500  # the HTML parser takes quadratic time in it: 100,000 levels take minutes

_BLOCKS = frozenset(
    "address article aside blockquote br caption dd div dl dt figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 header hr li main nav ol p pre section table tbody td tfoot th thead tr ul".split()
)
_SILENT = frozenset("head iframe noscript object script style template title".split())
# Elements that HTML itself closes, or that hold nothing: they nest no deeper when left open.
_SHALLOW = frozenset(
    "area base br col colgroup dd dt hr img input li link meta optgroup option p param source "
    "tbody td tfoot th thead tr wbr".split()
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*?(/?)>")
_PRE = re.compile(r"(<pre>.*?</pre>)", re.DOTALL)
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_CELL = re.compile(r"</t[dh]>\s*(?=<t[dh]>)")
_OWN_LINES = "h[1-6]|p|div|section|table|ul|ol|dl|blockquote|pre"
_LINE_AFTER = re.compile(rf"<br>|<hr>|</(?:{_OWN_LINES}|tr|li|dt|dd)>")
_LINE_BEFORE = re.compile(rf"<(?:{_OWN_LINES})>")
_ITEM = re.compile(r"<li>")
_ANY_TAG = re.compile(r"<[^<>]*>")
_EDGES = re.compile(r" *\n *")
_GAPS = re.compile(r"\n{3,}")


class TooDeep(ValueError):
    """Markup nested beyond MAX_NESTING; nothing of it was read."""


def html_to_text(markup: str) -> str:
    """Return the text that a reader of the HTML sees, one line per block, cells apart by tabs.

    Raises:
        TooDeep: nested beyond MAX_NESTING.
    """
    if _nesting(markup) > MAX_NESTING:
        raise TooDeep
    clean = nh3.clean(
        markup, tags=set(_BLOCKS), clean_content_tags=set(_SILENT), attributes={}, link_rel=None
    )
    pieces = [
        piece if number % 2 else _BLANKS.sub(" ", piece)
        for number, piece in enumerate(_PRE.split(clean))
    ]
    text = _CELL.sub("\t", "".join(pieces))
    text = _ITEM.sub("\n- ", text)
    text = _LINE_AFTER.sub("\n", _LINE_BEFORE.sub("\n", text))
    text = html.unescape(_ANY_TAG.sub("", text)).replace("\xa0", " ")
    return _GAPS.sub("\n\n", _EDGES.sub("\n", text)).strip()


def _nesting(markup: str) -> int:
    depth = deepest = 0
    for tag in _TAG.finditer(markup):
        if tag[3] or tag[2].lower() in _SHALLOW:
            continue
        depth = max(depth - 1, 0) if tag[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def rtf_to_plain(data: bytes) -> str:
    """Return the text of an RTF file; its bytes are ASCII with code pages declared inside.

    Raises:
        ValueError: not RTF.
    """
    source = data.decode("latin-1")
    if not source.lstrip().startswith("{\\rtf"):
        raise ValueError("not RTF")
    try:
        text: str = rtf_to_text(source, errors="replace")  # type: ignore[no-untyped-call]
    except (UnicodeError, LookupError, ArithmeticError) as exc:
        raise ValueError("broken RTF") from exc
    return text
