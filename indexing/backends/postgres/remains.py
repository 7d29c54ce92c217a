"""What is left of a patient in PostgreSQL: every row of every table, read and looked through."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import orjson
import zstandard

from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.reach import Table, tables
from indexing.erasure import Looked, Needles
from indexing.model import TenantId

_TOLD: Final = frozenset({"text", "text[]", "jsonb", "json", "character varying", "name"})
_BYTES: Final = "bytea"
_AT_ONCE: Final = 2_000
_PIECE: Final = 1 << 20  # bytes
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_BETWEEN: Final = "\x1f"
_MOST_HELD: Final = 1 << 30  # of what is packed
_ATTACHED: Final = re.compile(rb'"data"\s*:\s*"([A-Za-z0-9+/]{8,}={0,2})"')
_unpack = zstandard.ZstdDecompressor().decompress
REGISTER: Final = "tenant_erasure"
# Of an erasure that is under way, whom it is about: emptied when it is finished.
_UNDER_WAY: Final = frozenset({"people", "names", "docs"})


def remains(
    owner: Database, tenant_id: TenantId, needles: Needles, *, under_way: bool
) -> list[Looked]:
    """Look through every table of the catalogue; of a tenant's tables, through its rows. While an
    erasure is `under_way`, whom it is about stands in its own row, and is left out."""
    with owner.tenant(tenant_id) as conn:
        return [_table(conn, tenant_id, each, needles, under_way) for each in tables(conn)]


def remains_of_tenant(owner: Database, ids: Sequence[TenantId], needles: Needles) -> list[Looked]:
    """Count the rows that tables have of a tenant by any of its ids, look through the tables that
    are nobody's for those ids, and for partitions that are named by them. The register of those
    who left keeps the id."""
    found: dict[str, Looked] = {}
    for own in ids:
        with owner.tenant(own) as conn:
            for table in tables(conn):
                if table.name == REGISTER:
                    continue
                looked = found.setdefault(table.name, Looked(table.name, "rows"))
                if table.a_tenants:
                    looked.found += rows_of(conn, table, own)
                elif own == ids[0]:
                    found[table.name] = _table(conn, own, table, needles, False)
    return [*found.values(), _partitions(owner, ids)]


def rows_of(conn: Connection, table: Table, tenant_id: TenantId) -> int:
    """Count a table's rows of a tenant."""
    row = conn.execute(
        f'SELECT count(*) FROM "{table.name}" WHERE tenant_id = %s', (tenant_id,)
    ).fetchone()
    return int(row[0]) if row else 0


def _partitions(owner: Database, ids: Sequence[TenantId]) -> Looked:
    looked = Looked("partitions", "relations")
    with owner.transaction() as conn:
        row = conn.execute(
            "SELECT count(*), count(*) FILTER (WHERE relname ~ %s) FROM pg_class",
            ("|".join(own.hex for own in ids),),
        ).fetchone()
    looked.looked, looked.found = row or (0, 0)
    return looked


def _table(
    conn: Connection, tenant_id: TenantId, table: Table, needles: Needles, under_way: bool
) -> Looked:
    looked = Looked(table.name, "rows")
    columns = dict(table.columns)
    if under_way and table.name == "erasure":
        columns = {name: kind for name, kind in columns.items() if name not in _UNDER_WAY}
    words = [f't."{name}"::text' for name, kind in columns.items() if kind in _TOLD]
    packed = [f't."{name}"' for name, kind in columns.items() if kind == _BYTES]
    where, values = ("WHERE tenant_id = %s", (tenant_id,)) if table.a_tenants else ("", ())
    if not words and not packed:
        row = conn.execute(f'SELECT count(*) FROM "{table.name}" t {where}', values).fetchone()
        looked.looked = int(row[0]) if row else 0
        return looked
    chosen = ", ".join([_joined(words), *packed])
    rows = _rows(conn, f'SELECT {chosen} FROM "{table.name}" t {where}', values)
    for some in _pieces(b"\x00".join(_hays(row)) for row in rows):
        looked.looked += len(some)
        if needles.within(b"\x00".join(some)):  # seldom, and a search costs little by the byte
            looked.found += sum(needles.within(hay) for hay in some)
    return looked


def _pieces(hays: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield rows together, as many as weigh something."""
    some: list[bytes] = []
    weight = 0
    for hay in hays:
        some.append(hay)
        weight += len(hay)
        if weight > _PIECE:
            yield some
            some, weight = [], 0
    yield some


def _joined(words: Sequence[str]) -> str:
    return f"concat_ws(E'{_BETWEEN}', {', '.join(words)})" if words else "''"


def _rows(
    conn: Connection, statement: str, values: Sequence[object]
) -> Iterator[tuple[object, ...]]:
    with conn.cursor(name="remains", binary=True) as cursor:
        cursor.itersize = _AT_ONCE
        yield from cursor.execute(statement, values)


def _hays(row: Sequence[object]) -> Iterator[bytes]:
    text, *packed = row
    yield str(text).encode()
    for value in packed:
        if isinstance(value, (bytes, memoryview)):
            yield from spelled(plain(bytes(value)))


def spelled(data: bytes) -> Iterator[bytes]:
    """Yield bytes as they are, and as what they spell: escapes of JSON, attached texts."""
    yield data
    if b"\\u" in data and data[:1] in b"{[":
        with suppress(orjson.JSONDecodeError):
            yield orjson.dumps(orjson.loads(data))
    for attached in _ATTACHED.findall(data):
        with suppress(binascii.Error):
            yield base64.b64decode(attached)


def plain(value: bytes) -> bytes:
    """Return packed bytes as they were before; others as they are."""
    if not value.startswith(_ZSTD):
        return value
    try:
        return _unpack(value, max_output_size=_MOST_HELD)
    except zstandard.ZstdError:
        return value
