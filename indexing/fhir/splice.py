"""Received bytes to served bytes: only id, version, time and resolved references change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime


def served(
    received: bytes,
    resource_id: str,
    version: int,
    last_updated: datetime,
    links: Mapping[str, str],
) -> bytes:
    """Return `received` with id, meta.versionId, meta.lastUpdated and `links` spliced in.

    `links` maps a reference as it was sent ("urn:uuid:…", "Practitioner?identifier=…") to the one
    it became ("Patient/…"). Every other byte stays: decimals, white space, member order.
    """
    raise NotImplementedError
