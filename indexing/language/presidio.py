"""What presidio-analyzer finds beyond the rules, for sites that install the extra `deid`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from indexing.errors import ConfigurationError
from indexing.language.deidentify import Identifier

LEAST_SCORE = 0.5  # of a finding; below it the analyzer itself is not sure

# Its kinds as ours; dates are left to the rules, which shift them.
KINDS: Mapping[str, str] = {
    "PERSON": "name",
    "LOCATION": "place",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email",
    "URL": "url",
    "US_SSN": "id",
    "US_DRIVER_LICENSE": "id",
    "US_PASSPORT": "id",
    "MEDICAL_LICENSE": "id",
    "CREDIT_CARD": "id",
    "IBAN_CODE": "id",
    "IP_ADDRESS": "id",
}


def analyzer() -> Callable[[str], Iterator[Identifier]]:
    """Return what finds more; it loads a model.

    Raises: ConfigurationError when the extra is not installed.
    """
    try:
        from presidio_analyzer import AnalyzerEngine
    except ImportError as exc:
        raise ConfigurationError(
            "presidio-analyzer is not installed", hint="install the extra `deid`"
        ) from exc
    engine: Any = AnalyzerEngine()

    def find(text: str) -> Iterator[Identifier]:
        for one in engine.analyze(text=text, language="en", entities=sorted(KINDS)):
            if one.score >= LEAST_SCORE:
                kind = KINDS[one.entity_type]
                yield Identifier(one.start, one.end, kind, f"[{kind}]")

    return find
