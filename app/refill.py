"""Indexes that another version of this program filled are filled anew by whoever follows.

Until then the leg is missing from every answer, and the lane waits with everybody's news.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Final

from app.stores import stores
from app.wiring import Installation
from indexing.derive import embedded
from indexing.encoders import EncoderShelf, OnnxEncoder
from indexing.errors import AnamnesisError
from indexing.model import Tenant, TenantId
from indexing.rebuild import rebuild

_log = logging.getLogger("anamnesis.follow")

FILLED: Final = {"text": "lexical", "vectors": "vector"}  # of a lane: what versions differ in
BATCH = 32  # documents encoded at once, and lost by a kill at most

GoOn = Callable[[], bool]


def refill(installation: Installation, lane: str, go_on: GoOn = lambda: True) -> bool:
    """Fill anew what a lane keeps of tenants in another layout, or by another model; say whether
    all is done. The caller holds the lane, and may be told to let go of it.

    What is new counts once it is whole: whoever is killed or sent away begins again, and encodes
    nothing twice.
    """
    name = FILLED.get(lane)
    if name is None:
        return True
    serves = cache(partial(fills_vectors, installation))  # loads a model
    for tenant in installation.tenants.all():
        try:
            if not is_outdated(installation, tenant.tenant_id, name):
                continue
            if lane == "vectors" and not serves():
                continue
            if not go_on():
                return False
            for done, of in encoding(installation, tenant) if lane == "vectors" else ():
                if not done:
                    _log.warning(
                        "notes of %s are encoded for the model that serves: %d", tenant.code, of
                    )
                if not go_on():
                    return False
            _fill(installation, tenant, name)
        except AnamnesisError as exc:  # `doctor` names whose it is; the others go on
            _log.error("it could not be filled: %s", type(exc).__name__)
    return True


def encoding(installation: Installation, tenant: Tenant) -> Iterator[tuple[int, int]]:
    """Encode what the records have no vectors of yet, a batch at a time; yield how many documents
    are done, of how many."""
    tenant_id, encoder, derived = tenant.tenant_id, installation.encoder, installation.derived
    held = derived.embedded(tenant_id, encoder.model)
    wanted = [d for d, v in derived.indexable(tenant_id).items() if held.get(d) != v]
    yield 0, len(wanted)
    for at in range(0, len(wanted), BATCH):
        some = derived.derived(tenant_id, wanted[at : at + BATCH])
        if some:
            found = embedded(encoder, some)
            derived.store_vectors(tenant_id, encoder.model, found, announced=False)
        yield min(at + BATCH, len(wanted)), len(wanted)


def is_outdated(installation: Installation, tenant_id: TenantId, name: str) -> bool:
    """Say whether "lexical" or "vector" is of another version or model than questions are."""
    index = installation.lexical if name == "lexical" else installation.vector
    return index.outdated(tenant_id)


def fills_vectors(installation: Installation) -> bool:
    """Say whether this process's encoder is the one that serves: one that the settings name is
    somebody's own trial, and whoever was switched away from meanwhile has no say."""
    if installation.settings.encoder != "onnx" or installation.settings.encoder_folder:
        return False
    shelf = EncoderShelf(installation.home)
    serving = OnnxEncoder(threads=1, folder=shelf.folder(shelf.serving()))
    return serving.model == installation.encoder.model


def _fill(installation: Installation, tenant: Tenant, name: str) -> None:
    _log.warning("the index %s of %s is of another version and filled anew", name, tenant.code)
    own = [each for each in stores(installation) if each.name == name]
    rebuild(installation.derived, tenant.tenant_id, own, lambda _: None)
    installation.forget_answers(tenant.tenant_id)
