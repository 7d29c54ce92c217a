"""What decides a sentence from above is shown before it, as text and never as markup."""

from __future__ import annotations

import re

from app.answers import _led
from rankers.answer import Lead, Mark, Snippet


def test_what_leads_is_marked_and_escaped() -> None:
    marks = (Mark(5, 9, "literal"),)
    shown = _led(Snippet("- <b>rash</b>", marks, lead=Lead("Denies <i>:", 0)))
    assert re.findall(r'class="m m-(\w+)"[^>]*>([^<]*)<', shown) == [
        ("cue", "Denies &lt;i&gt;:"),
        ("literal", "rash"),
    ]
    assert re.sub(r"</?(?:span|mark)[^>]*>", "", shown) == (
        "Denies &lt;i&gt;: … - &lt;b&gt;rash&lt;/b&gt;"
    )
