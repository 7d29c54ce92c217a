"""Another encoder for an installation: its vectors beside those that serve, then the switch.

While the vectors are made, nothing changes for anybody: they lie in the records beside the old
ones, keyed by the model. A broken-off switch goes on where it stopped. At the end the followers
pause, what came in meanwhile is encoded, each tenant's index is filled in one transaction (a server
of its own holds a space named by the model beside the old one), and the record of what serves is
replaced. A process that asks with the other model in between is told so by the index: its vector
leg is named as missing until it looks again, with its next question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from app.moves import paused
from app.naming import all_terms
from app.naming import forget as names_forgotten
from app.naming import place as place_names
from app.refill import BATCH, encoding
from app.stores import stores
from app.wiring import Installation
from indexing.encoders import EncoderShelf
from indexing.errors import Conflict, InvalidInput
from indexing.follow import VectorFollower
from indexing.model import ChangeEvent, Kind, Position, Tenant, TenantId
from indexing.reconcile import compare, reconcile
from indexing.research import ResearchFollower
from rankers.learned import Learned

ROUNDS = 3  # without the followers' locks; the rest is done while they pause

Tell = Callable[[str, int, int], None]  # what, documents done, documents in all


@dataclass(frozen=True, slots=True)
class Switched:
    """What serves now, what did before, and how many documents were encoded and indexed."""

    before: str
    serving: str
    encoded: int
    indexed: int


def switch(installation: Installation, name: str, tell: Tell) -> Switched:
    """Let a registered encoder serve, or the default.

    Raises:
        NotFound: no encoder has that name.
        InvalidInput: the settings name an encoder of their own.
        ConfigurationError: it does not load, or the learned ranker was trained with another one.
    """
    shelf = EncoderShelf(installation.home)
    before = shelf.serving()
    beside = _beside(installation, shelf.folder(name))
    tenants = installation.tenants.all()
    encoded = 0
    _named(beside, tenants, tell)
    _recorded(beside, tenants, tell)
    for _ in range(ROUNDS):
        made = sum(_encoded(beside, tenant, tell) for tenant in tenants)
        encoded += made
        if made <= BATCH:
            break
    _studied(beside, tenants)
    with paused(installation):
        encoded += sum(_encoded(beside, tenant, tell) for tenant in tenants)
        _studied(beside, tenants)
        indexed = sum(_indexed(beside, tenant, tell) for tenant in tenants)
        shelf.serve(name)
    for tenant in tenants:
        installation.forget_answers(tenant.tenant_id)
    beside.close()
    return Switched(before, name, encoded, indexed)


def forget(installation: Installation, name: str) -> int:
    """Drop the vectors of an encoder that does not serve; return of how many documents.

    Raises: NotFound, Conflict where it serves, EngineUnavailable where a server that may hold some
        does not answer.
    """
    shelf = EncoderShelf(installation.home)
    folder = shelf.folder(name)
    own = installation.settings.model_copy(update={"encoder": "onnx", "encoder_folder": folder})
    found = installation.tenants.all()
    with closing(Installation(own)) as other:
        model = other.encoder.model
        if name == shelf.serving() or model == installation.encoder.model:
            raise Conflict(f"{name} serves", hint="Switch to another encoder first.")
        for each in found:
            _emptied(other, each.tenant_id)
    names_forgotten(installation, model)
    return sum(installation.derived.forget_model(each.tenant_id, model) for each in found)


def _emptied(other: Installation, tenant_id: TenantId) -> None:
    """Drop the space that the model has on servers: it may hold patients who were erased since."""
    for place in other.vector.places(tenant_id):
        if place.engine != "postgres":  # that one holds the vectors that serve, and no others
            engine, space = other.vector.at(place)
            engine.drop(space)
    other.research.index.drop(tenant_id)
    if (vectors := other.patients.vectors) is not None:
        vectors.drop(tenant_id)


def _beside(installation: Installation, folder: Path) -> Installation:
    """Return the same installation with the other encoder."""
    own = installation.settings
    if own.encoder != "onnx" or own.encoder_folder is not None:
        raise InvalidInput(
            "the settings name the encoder",
            hint="Take ANAMNESIS_ENCODER and ANAMNESIS_ENCODER_FOLDER away; the switch is kept in "
            "the home folder.",
        )
    beside = Installation(own.model_copy(update={"encoder_folder": folder, "learned": None}))
    if own.learned is not None:
        Learned(own.learned, beside.encoder)  # refuses another encoder than it was trained with
    return beside


def _named(beside: Installation, tenants: Sequence[Tenant], tell: Tell) -> None:
    """Fill the space of concepts' names, where a vector engine holds it; else the process that
    follows makes them after the switch, in its idle time."""
    for terms in all_terms(beside, tenants):
        placing, linker = terms.placing, terms.own_linker
        while placing is not None and place_names(terms):
            done = linker.made + placing.progress[0]
            tell("names of concepts", done, len(linker.names) + placing.concepts)


def _studied(beside: Installation, tenants: Sequence[Tenant]) -> None:
    """Fill the space of studies: those that it lacks, holds too old or should not hold."""
    studies = [each for each in stores(beside) if each.name == ResearchFollower.name]
    for tenant in tenants:
        reconcile(tenant.tenant_id, beside.derived.live, studies)


def _recorded(beside: Installation, tenants: Sequence[Tenant], tell: Tell) -> None:
    """Fill the space of patients' records, where one is kept; what changes from now on until the
    switch is brought in by whoever follows then."""
    vectors = beside.patients.vectors
    for tenant in tenants if vectors is not None else ():
        words, tenant_id = beside.patients.hierarchy(tenant.tenant_id), tenant.tenant_id
        while vectors is not None and vectors.some(tenant_id, words):
            tell(f"{tenant.code}: records", *vectors.progress(tenant_id, words))


def _encoded(beside: Installation, tenant: Tenant, tell: Tell) -> int:
    """Encode what the records have no vectors of yet; return how many documents that were."""
    every = 0
    for done, every in encoding(beside, tenant):
        tell(f"{tenant.code}: encoding", done, every)
    return every


def _indexed(beside: Installation, tenant: Tenant, tell: Tell) -> int:
    """Fill the index with the other model's vectors: in one transaction, or in a space beside."""
    tenant_id = tenant.tenant_id
    follower = VectorFollower(beside.derived, beside.vector, beside.encoder, beside.codes_of)
    expected = beside.derived.indexable(tenant_id, beside.encoder.model)
    place = beside.vector.places(tenant_id)[0]
    if place.engine == "postgres":
        with beside.vector.fresh(tenant_id):
            _apply(follower, tenant, [_event(tenant_id, *each) for each in expected.items()], tell)
        return len(expected)
    held = beside.vector.entries(tenant_id)
    found = compare("vector", expected, held)
    events = [_event(tenant_id, key, expected[key]) for key in found.missing + found.stale]
    # Deleted while the other encoder served; a tombstone must not be older than what it removes.
    events += [_event(tenant_id, key, held[key], gone=True) for key in found.extra]
    _apply(follower, tenant, events, tell)
    return len(expected)


def _apply(
    follower: VectorFollower, tenant: Tenant, events: Sequence[ChangeEvent], tell: Tell
) -> None:
    tell(f"{tenant.code}: indexing", 0, len(events))
    for at in range(0, len(events), follower.batch):
        follower.apply(tenant.tenant_id, events[at : at + follower.batch])
        tell(f"{tenant.code}: indexing", min(at + follower.batch, len(events)), len(events))


def _event(tenant_id: TenantId, key: str, version: int, *, gone: bool = False) -> ChangeEvent:
    return ChangeEvent(Position(0, 0), tenant_id, Kind.VECTORS, key, version, gone)
