"""For the machines that watch this one."""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.auth.permissions import Permission
from app.auth.sessions import services, token_may
from app.canary import canary_metrics
from indexing import strays

router = APIRouter()


@router.get("/health/live")
def live() -> Response:
    """Say that the process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/health/ready")
def ready(request: Request) -> Response:
    """Say that the database answers too; raises what `app.errors` turns into 503."""
    services(request).accounts.sole_tenant()
    return JSONResponse({"status": "ok"})


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Show counts, to the installation's own token or to an administrator's."""
    own = services(request).settings.metrics_token
    given = request.headers.get("authorization", "").encode("utf-8", "replace")
    if own is None or not hmac.compare_digest(given, b"Bearer " + own.get_secret_value().encode()):
        token_may(Permission.METRICS)(request)
    text = generate_latest(request.app.state.metrics.registry) + generate_latest(strays.REGISTRY)
    canary = generate_latest(canary_metrics(services(request).settings.home))
    return Response(text + canary, media_type=CONTENT_TYPE_LATEST)
