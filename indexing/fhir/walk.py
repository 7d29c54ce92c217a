"""The one walk over a resource: every property is met once, against the compiled type.

A `Node` is a path as nested tuples (parent, name, index): cheap to make, spelt out only when there
is something to report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from indexing.fhir.functions import Env, TooCostly
from indexing.fhir.issues import Issue, Severity
from indexing.fhir.primitives import Fault

Json = dict[str, Any]
Node = tuple[Any, str, int | None]  # (parent Node or None, name, index or None)
Slot = Callable[["Walk", Any, Node, Json], None]
Hook = Callable[["Walk", Json, Node], None]


def path_of(node: Node) -> str:
    """Spell a node as "Patient.name[0].given"."""
    parts: list[str] = []
    at: Node | None = node
    while at is not None:
        parent, name, index = at
        parts.append(name if index is None else f"{name}[{index}]")
        at = parent
    return ".".join(reversed(parts))


@dataclass(frozen=True, slots=True)
class Invariant:
    """A compiled rule of a type."""

    key: str
    severity: Severity
    human: str
    holds: Callable[[object, Env], bool]


@dataclass(slots=True)
class Type:
    """A type ready for the walk: a slot for each JSON property it may have."""

    name: str
    slots: dict[str, Slot] = field(default_factory=dict)
    required: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclusive: tuple[tuple[str, frozenset[str]], ...] = ()
    hooks: tuple[Hook, ...] = ()
    invariants: tuple[Invariant, ...] = ()


@dataclass(slots=True)
class Scope:
    """The resource the walk is in. Contained resources share `local` with their container."""

    resource: Json
    node: Node
    container: Scope | None  # the containing resource, when this one is contained
    parent: Scope | None  # the Bundle or Parameters around it
    contained: dict[str, Json] = field(default_factory=dict)
    local: set[str] = field(default_factory=set)  # "#..." seen anywhere in the container
    ids: set[str] = field(default_factory=set)  # element ids
    anchors: list[tuple[Node, str]] = field(default_factory=list)  # "#x" links of narratives
    targets: set[str] = field(default_factory=set)  # ids and names inside narratives
    references: list[tuple[Node, str]] = field(default_factory=list)
    # urn: references and the types their element allows; a Bundle resolves them.
    aimed: list[tuple[Node, str, frozenset[str]]] = field(default_factory=list)
    children: list[Scope] = field(default_factory=list)
    env: Env | None = None
    told_cost: bool = False

    @property
    def root(self) -> Scope:
        return self.container or self

    def all_references(self) -> Iterator[str]:
        """References of this resource and of those it contains, local ones left out."""
        for _, text in self.references:
            yield text
        for child in self.children:
            yield from child.all_references()


class Walk:
    """Collects findings while types and resources are walked."""

    __slots__ = ("_choices", "entries", "issues", "now", "types", "unsafe")

    def __init__(
        self, types: Callable[[str], Type], choices: dict[str, frozenset[str]], *, entries: bool
    ) -> None:
        self.issues: list[Issue] = []
        self.unsafe: list[Issue] = []
        self.types = types  # name of a resource type -> its compiled type
        self.entries = entries  # whether resources inside a Bundle or Parameters are walked
        self.now: Scope | None = None
        self._choices = choices

    @property
    def scope(self) -> Scope:
        """The resource the walk is in; there is one while any element is walked."""
        assert self.now is not None
        return self.now

    def report(
        self,
        node: Node,
        reason: str,
        *,
        code: str = "invalid",
        severity: Severity = "error",
        unsafe: bool = False,
    ) -> None:
        """Note a finding at a node."""
        issue = Issue(severity, code, path_of(node), reason)
        self.issues.append(issue)
        if unsafe:
            self.unsafe.append(issue)

    def fault(self, node: Node, fault: Fault) -> None:
        """Note what a primitive's check found."""
        self.report(
            node, fault.reason, code=fault.code, severity=fault.severity, unsafe=fault.unsafe
        )

    def env(self) -> Env:
        """The surroundings in which this resource's invariants are evaluated."""
        scope = self.scope
        if scope.env is None:
            root = scope.root.resource
            scope.env = Env(scope.resource, root, scope.resource, self._choices)
        return scope.env

    def element(self, spec: Type, value: Json, node: Node) -> None:
        """Walk the properties of one object, then its cardinalities, hooks and invariants."""
        slots = spec.slots
        for key, item in value.items():
            slot = slots.get(key)
            if slot is None:
                self.report(node, f"unknown property {_name(key)}", code="structure")
            else:
                slot(self, item, node, value)
        for name, keys in spec.required:
            for key in keys:
                if key in value:
                    break
            else:
                self._missing(spec, name, node)
        for name, group in spec.exclusive:
            if len(group & value.keys()) > 1:
                self._exclusive(name, group, value, node)
        for hook in spec.hooks:
            hook(self, value, node)
        if spec.invariants:
            self.hold(spec.invariants, value, node)

    def hold(self, invariants: tuple[Invariant, ...], value: object, node: Node) -> None:
        """Evaluate invariants on one value."""
        env = self.env()
        env.context = value
        for rule in invariants:
            try:
                holds = rule.holds(value, env)
            except TooCostly:
                self._too_costly(node, rule)
                continue
            if not holds:
                reason = f"{rule.key}: {rule.human}"
                self.report(node, reason, code="invariant", severity=rule.severity)

    def _too_costly(self, node: Node, rule: Invariant) -> None:
        """Say once for a resource that its size keeps some rules from being checked."""
        if not self.scope.told_cost:
            self.scope.told_cost = True
            reason = f"too large to check {rule.key} and what follows"
            self.report(node, reason, code="too-costly", severity="warning")

    def _missing(self, spec: Type, name: str, node: Node) -> None:
        # Whom it is about decides which chart it lands in: without it nothing may be stored.
        clinical = name in ("subject", "patient") and node is self.scope.node
        unsafe = clinical and self.scope.container is None
        self.report(node, f"{spec.name}.{name} is required", code="required", unsafe=unsafe)

    def _exclusive(self, name: str, group: frozenset[str], value: Json, node: Node) -> None:
        stems = {key.removeprefix("_") for key in group if key in value}
        if len(stems) > 1:
            self.report(node, f"{name} may be given in one type only", code="structure")


def _name(key: object) -> str:
    """Quote a property name that looks like one; anything else could be a patient's."""
    text = str(key)
    return f"'{text}'" if text.isascii() and text.isidentifier() and len(text) <= 64 else "name"
