"""Templates to responses: escaped, never cached, with what every page's frame needs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from app.standing import REFUTED, holds, stands
from app.units_shown import shown_unit
from indexing.dated import dated, local
from indexing.language.limits import LONGEST

THEMES = ("auto", "light", "dark")
PAGE_SIZE = 20

Frame = Callable[[Request], Mapping[str, Any]]
Finish = Callable[[Request, Response], None]


def folder(name: str) -> Path:
    """Return where `templates` or `static` lie: in the wheel, or beside the packages."""
    packaged = Path(__file__).parent / f"_{name}"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / name


@cache
def static_url(name: str) -> str:
    """Return a static file's address with a mark of its content, so that it may be kept."""
    mark = hashlib.sha256((folder("static") / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={mark}"


def partial_date(start: datetime | None, end: datetime | None, zone: tzinfo = UTC) -> str:
    """Write a partial date as precisely as it was given, "undated" for none."""
    if start is None or end is None or end - start >= timedelta(hours=20):
        return dated(start, end, zone) or "undated"
    return moment(start, zone)


def moment(at: datetime, zone: tzinfo, *, date_only: bool = False, seconds: bool = False) -> str:
    """Write an instant in the hospital's time."""
    told = local(at, zone).isoformat(" ", "seconds")
    return told[: 10 if date_only else 19 if seconds else 16]


def clock(at: datetime | str, zone: tzinfo) -> str:
    """Write the time of day, with the date where that is not today."""
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = instant.astimezone(zone)
    today = datetime.now(zone).date()
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d %H:%M:%S")


def birth_date(start: date | None, end: date | None) -> str:
    """Write a birth date as precisely as it was given."""
    if start is None:
        return "unknown"
    if end is not None and (end - start).days > 300:
        return str(start.year)
    if end is not None and (end - start).days > 20:
        return start.strftime("%Y-%m")
    return start.isoformat()


def age(start: date | None, today: date) -> str:
    """Write an age in years, in months for the youngest."""
    if start is None or start > today:
        return ""
    months = (today.year - start.year) * 12 + today.month - start.month - (today.day < start.day)
    return f"{months} mo" if months < 24 else f"{months // 12} y"


def count(number: int) -> str:
    """Write a count with thin spaces, so that 3412 and 34 120 are told apart."""
    return f"{number:,}".replace(",", " ")


def plural(number: int, one: str, many: str = "") -> str:
    """Write a count with its noun."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def words(name: str) -> str:
    """Write a coded name as words: "family_history" is "family history"."""
    return name.replace("_", " ").replace("-", " ")


def marked(message: object) -> Markup:
    """Write what stands between backticks of a message as code."""
    parts = str(message).split("`")
    if len(parts) % 2 == 0:  # one without its fellow is a character like any other
        return escape(str(message))
    told = (Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in
            enumerate(parts))  # fmt: skip
    return Markup("").join(told)


def sentence(message: object) -> Markup:
    """Write a message as a sentence: with a capital, and with one stop at its end."""
    said = str(message).strip()
    return marked(said[:1].upper() + said[1:] + ("" if said.endswith((".", "?", "!")) else "."))


@cache
def environment() -> Environment:
    """Return the one template environment."""
    built = Environment(
        loader=FileSystemLoader(folder("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    built.globals["static_url"] = static_url
    built.globals["birth_date"] = birth_date
    built.globals["age"] = age
    built.globals["clock"] = clock
    built.globals["holds"] = holds
    built.globals["stands"] = stands
    built.globals["REFUTED"] = REFUTED
    built.globals["page_size"] = PAGE_SIZE
    built.globals["longest_read"] = LONGEST
    built.filters["count"] = count
    built.filters["plural"] = plural
    built.filters["unit"] = shown_unit
    built.filters["words"] = words
    built.filters["marked"] = marked
    built.filters["sentence"] = sentence
    return built


def page(request: Request, template: str, /, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a template inside the frame that the application set up."""
    frame: Frame = request.app.state.frame
    finish: Finish = request.app.state.finish
    text = environment().get_template(template).render(**frame(request), **context)
    # A lone surrogate that an engine let through must not take the page down.
    response = HTMLResponse(text.encode("utf-8", "replace"), status)
    finish(request, response)
    return response
