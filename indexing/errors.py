"""One tree of errors. Messages carry ids and positions, never patient or query text."""

from __future__ import annotations


class AnamnesisError(Exception):
    """Anything this product raises on purpose; `hint` says what to do about it."""

    hint: str = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        if hint:
            self.hint = hint


class ConfigurationError(AnamnesisError):
    """The installation is set up wrongly: exit code 2, the process refuses to start."""


class InvalidInput(AnamnesisError):
    """What was sent cannot be used; says where."""


class InvalidQuery(InvalidInput):
    """A query that does not parse; `position` is the code point offset at fault."""

    def __init__(self, message: str, position: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.position = position


class UnknownName(InvalidQuery):
    """A `name`, as it was asked, that the terminology does not hold."""

    def __init__(self, message: str, position: int, name: str, *, hint: str = "") -> None:
        super().__init__(message, position, hint=hint)
        self.name = name


class NotAcceptable(InvalidInput):
    """What was asked for is not given in the form that was asked for."""


class Forbidden(AnamnesisError):
    """The principal may not do this."""


class Closed(Forbidden):
    """This account may not write `name` ("Type/id"); whether it is there is not told."""

    def __init__(self, name: str) -> None:
        super().__init__(f"this account may not write {name}")
        self.name = name


class NotFound(AnamnesisError):
    """No such thing within this access: absent and another tenant's read the same."""


class Gone(NotFound):
    """It was here and was deleted."""


class TenantErased(AnamnesisError):
    """The whole tenant is being erased, or was: nothing of it is read or taken in any more."""

    hint = (
        "`anamnesis tenants list --erased` names it; an erasure that broke off is finished by "
        "`anamnesis tenants erase CODE`"
    )

    def __init__(self, message: str = "this tenant is being erased, or was erased") -> None:
        super().__init__(message)


class Conflict(AnamnesisError):
    """The request disagrees with what is stored (two contents under one id, a lost race)."""


class Stale(Conflict):
    """`If-Match` speaks of another version of `name` ("Type/id") than the stored one."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is at another version")
        self.name = name


class EngineUnavailable(AnamnesisError):
    """An engine is down, slow or refusing: the caller waits or answers without it."""


class EventRejected(AnamnesisError):
    """An engine will never take this event as it is: the event is at fault, not the engine."""


class IntegrityFault(AnamnesisError):
    """Stored data contradicts itself (a foreign hit, a broken audit chain): alarm, never hide."""
