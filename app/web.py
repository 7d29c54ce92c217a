"""The HTTP application: routes, frame, errors, edge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app import errors
from app.answers import HIDDEN_WORDS, LEG_NAMES, MARK_LABELS, SIGNAL_NAMES, WRONG_LABELS
from app.auth.sessions import (
    anonymous,
    cookie_name,
    current,
    form_token,
    set_cookie,
)
from app.charts import odd, odd_method, short_value, spark
from app.edge import Edge, Metrics
from app.judging import GRADE_LABELS
from app.pages import THEMES, folder, moment
from app.routes import (
    api,
    audit,
    candidates,
    cohorts,
    fhir,
    fhir_search,
    graph,
    health,
    judging,
    knowledge,
    lab,
    landing,
    models,
    notes,
    patients,
    pools,
    search,
    similar,
    status,
    treatments,
    tunings,
    vitals,
)
from app.services import Services
from app.similar import PART_NAMES
from app.vital_charts import drug_marks, encounter_marks
from app.whence import here
from indexing.dated import dated, spanned, written
from indexing.errors import AnamnesisError

_ROUTES = (
    landing,
    search,
    similar,
    notes,
    patients,
    graph,
    status,
    candidates,
    cohorts,
    judging,
    pools,
    lab,
    tunings,
    audit,
    api,
    fhir_search,
    fhir,
    health,
    vitals,
    knowledge,
    treatments,
    models,
)


class _Static(StaticFiles):
    """Static files are addressed by content: they may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if b"v=" in scope.get("query_string", b""):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(services: Services) -> FastAPI:
    """Build the application over an installation's services."""
    app = FastAPI(title="Anamnesis", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services, app.state.metrics = services, Metrics()
    app.state.frame, app.state.finish = frame, finish
    errors.install(app)
    for module in _ROUTES:
        app.include_router(module.router)
    app.state.routes = [route for module in _ROUTES for route in module.router.routes]
    app.mount("/static", _Static(directory=folder("static")), name="static")
    settings = services.settings
    app.add_middleware(
        Edge,
        allowed_hosts=frozenset({*settings.allowed_hosts, settings.host, f"[{settings.host}]"}),
        secure=settings.secure_cookies,
        metrics=app.state.metrics,
        respond=errors.respond,
    )
    return app


def frame(request: Request) -> Mapping[str, Any]:
    """Return what the frame of every page shows; a page about a dead database shows less."""
    try:
        who = current(request)
        sole, demo = (
            request.app.state.services.accounts.sole_tenant()
            if who is None
            else ("", who.account.demo)
        )
    except AnamnesisError:
        request.state.principal = who = None
        sole, demo = None, False
    theme = request.cookies.get(cookie_name(request, "theme"), "auto")
    return {
        "request": request,
        "here": here(request),
        "who": who,
        "can": {p.name for p in who.allowed} if who else frozenset(),
        "demo": demo,
        "sole": sole,
        "theme": theme if theme in THEMES else "auto",
        "form_token": form_token(request),
        "now": datetime.now(UTC),
        "moment": partial(moment, zone=who.zone if who else UTC),
        "dated": partial(dated, zone=who.zone if who else UTC),
        "written": partial(written, zone=who.zone if who else UTC),
        "spanned": partial(spanned, zone=who.zone if who else UTC),
        "mark_kinds": tuple(MARK_LABELS.items()),
        "leg_names": LEG_NAMES,
        "signal_names": SIGNAL_NAMES,
        "hidden_words": HIDDEN_WORDS,
        "wrong_labels": WRONG_LABELS,
        "grade_labels": GRADE_LABELS,
        "part_names": PART_NAMES,
        "spark": spark,
        "odd": odd,
        "odd_method": odd_method,
        "short_value": short_value,
        "encounter_marks": encounter_marks,
        "drug_marks": drug_marks,
    }


def finish(request: Request, response: Response) -> None:
    """Give a browser in which nobody is signed in the name that its forms are tied to."""
    if hasattr(request.state, "anonymous"):
        set_cookie(request, response, "form", anonymous(request))
