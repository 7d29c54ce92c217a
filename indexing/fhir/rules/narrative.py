"""The XHTML of narratives: well-formed, one div, and nothing that acts.

Source: https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

import re
from xml.parsers.expat import ExpatError, ParserCreate

from indexing.fhir.walk import Json, Node, Walk

XHTML = "http://www.w3.org/1999/xhtml"
_ELEMENTS = frozenset(
    "a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd del dfn"
    " div dl dt em font h1 h2 h3 h4 h5 h6 hr i img ins kbd li map ol p pre q s samp small span"
    " strike strong sub sup table tbody td tfoot th thead tr tt u ul var".split()
)
_ATTRIBUTES = frozenset(
    "abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff charset"
    " cite class color colspan compact coords datetime dir face frame headers height href hreflang"
    " hspace id ismap lang longdesc name noshade nowrap rel rev rowspan rules scope shape size"
    " space span src start style summary tabindex title type usemap valign value vspace width"
    " xml:lang xml:space".split()
)
_SCRIPT_URL = re.compile(r"\s*(javascript|vbscript|data:text)", re.IGNORECASE).match


def narrative(walk: Walk, value: Json, node: Node) -> None:
    """Hook of Narrative: txt-1, txt-2 and what the anchors need."""
    div = value.get("div")
    if not isinstance(div, str):
        return
    at: Node = (node, "div", None)
    reader = _Reader()
    fault = reader.read(div)
    if fault is not None:
        walk.report(at, fault, code="invalid")
        return
    for problem in dict.fromkeys(reader.problems):
        walk.report(at, problem, code="invariant")
    if not reader.has_content:
        walk.report(at, "txt-2: the narrative must say something", code="invariant")
    scope = walk.scope
    scope.targets |= reader.targets
    scope.anchors.extend((at, anchor) for anchor in reader.anchors)


class _Reader:
    """One pass of expat over a div."""

    __slots__ = ("anchors", "depth", "has_content", "problems", "targets")

    def __init__(self) -> None:
        self.depth = 0
        self.has_content = False
        self.problems: list[str] = []
        self.anchors: list[str] = []
        self.targets: set[str] = set()

    def read(self, div: str) -> str | None:
        """Parse; gives what makes the text unreadable as XHTML, else None."""
        if "<!" in div and ("<!DOCTYPE" in div or "<!ENTITY" in div):
            return "the narrative must not carry a document type"
        div = div.replace("&nbsp;", "&#160;")  # the one HTML entity that everybody accepts
        parser = ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(div.encode("utf-8"), True)
        except (ExpatError, UnicodeEncodeError):
            return "the narrative is not well-formed XHTML (HTML's own entities are not XML)"
        return None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.depth == 0:
            self._root(tag, attributes)
        self.depth += 1
        if tag not in _ELEMENTS and ":" not in tag:
            known = tag if tag.isalpha() and len(tag) < 12 else "this"
            self.problems.append(f"txt-1: element {known} is not allowed in a narrative")
        if tag == "img":
            self.has_content = True
        for name, text in attributes.items():
            self._attribute(tag, name, text)

    def _root(self, tag: str, attributes: dict[str, str]) -> None:
        if tag.rsplit(":", 1)[-1] != "div":
            self.problems.append("the narrative must be one div")
        prefix = "xmlns:" + tag.split(":")[0] if ":" in tag else "xmlns"
        if attributes.get(prefix) != XHTML:
            self.problems.append(f"the div must be in the namespace {XHTML}")

    def _attribute(self, tag: str, name: str, text: str) -> None:
        if name in ("id", "name"):
            self.targets.add(text)
        elif name == "href" and tag == "a" and text.startswith("#") and len(text) > 1:
            self.anchors.append(text[1:])
        if name in ("href", "src") and _SCRIPT_URL(text):
            self.problems.append("txt-1: script links are not allowed in a narrative")
        if name not in _ATTRIBUTES and not name.startswith("xmlns"):
            known = name if name.isalpha() and len(name) < 16 else "this"
            self.problems.append(f"txt-1: attribute {known} is not allowed in a narrative")

    def _text(self, text: str) -> None:
        if not self.has_content and text.strip():
            self.has_content = True
