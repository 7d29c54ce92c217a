"""Any ONNX model as a teller of chances: read as data, run by ONNX Runtime's own operators alone.

The file states under the metadata key `features` the names of its columns, as JSON; a column is 1
where the patient has that finding, `age` is the age in years. Its first output is the chance.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.errors import InvalidInput
from indexing.onnx import session_of
from rankers.outcomes import Floats, KnownPatient

MOST_BYTES = 64 << 20
_MOST_FEATURES = 20_000
_MOST_MOVED = 300  # findings that are left out one by one
_NAMED = 8
_LEAST_MOVED = 0.005


class OnnxRisk:
    """One model.

    Raises:
        InvalidInput: the bytes are no ONNX model of this kind; nothing of them was executed.
    """

    def __init__(self, body: bytes) -> None:
        self._session = _opened(body)
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            raise _unfit("it takes one float tensor, patients by features")
        self._input = inputs[0].name
        self.features = _names(self._session.get_modelmeta().custom_metadata_map)
        width = inputs[0].shape[-1] if len(inputs[0].shape) == 2 else None
        if width not in (len(self.features), None) and not isinstance(width, str):
            raise _unfit(f"it takes {width} columns and names {len(self.features)}")
        self.chances([KnownPatient("", frozenset(), 50, "")])

    def chances(self, patients: Sequence[KnownPatient]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return chances, and which of them are to be withheld: of patients of whom nothing is
        known that the model looks at."""
        rows = np.zeros((len(patients), len(self.features)), np.float32)
        for row, patient in zip(rows, patients, strict=True):
            for place, name in enumerate(self.features):
                row[place] = (patient.age or 0) if name == "age" else name in patient.features
        try:
            told = np.asarray(self._session.run(None, {self._input: rows})[0], np.float64)
        except Exception as exc:  # noqa: BLE001 - the runtime raises classes of its own
            raise _unfit(f"it does not run: {type(exc).__name__}") from None
        if told.ndim == 2 and told.shape[1] in (1, 2):
            told = told[:, -1]
        if told.shape != (len(patients),) or not ((told >= 0) & (told <= 1)).all():
            raise _unfit("its first output must be one chance per patient, 0 to 1")
        return told, np.array([not self._looks_at(each) for each in patients], dtype=bool)

    def moved(self, patient: KnownPatient) -> tuple[tuple[str, float], ...]:
        """Return what moved one chance most, and by how much: each finding that the patient has
        and the model looks at, against the chance without it alone."""
        own = [each for each in self.features if each in patient.features][:_MOST_MOVED]
        if not own:
            return ()
        without = [replace(patient, features=patient.features - {each}) for each in own]
        chances, _ = self.chances([patient, *without])
        found = [(name, float(chances[0] - other))
                 for name, other in zip(own, chances[1:].tolist(), strict=True)]  # fmt: skip
        found.sort(key=lambda each: (-abs(each[1]), each[0]))
        return tuple(each for each in found[:_NAMED] if abs(each[1]) >= _LEAST_MOVED)

    def _looks_at(self, patient: KnownPatient) -> bool:
        """Say whether anything is known that the model looks at; an age that it wants must be."""
        if "age" in self.features and patient.age is None:
            return False
        return "age" in self.features or not patient.features.isdisjoint(self.features)


def _unfit(what: str) -> InvalidInput:
    return InvalidInput(
        f"not a model that can be used: {what}",
        hint='ONNX, one float input, metadata "features": a JSON list of names, chances out',
    )


def _opened(body: bytes) -> Any:
    if len(body) > MOST_BYTES:
        raise _unfit(f"more than {MOST_BYTES} bytes")
    try:
        return session_of(body)
    except Exception as exc:  # noqa: BLE001 - the runtime raises classes of its own
        raise _unfit(f"ONNX Runtime does not read it ({type(exc).__name__})") from None


def _names(metadata: dict[str, str]) -> tuple[str, ...]:
    try:
        names = json.loads(metadata.get("features", ""))
    except ValueError:
        raise _unfit("the metadata names no features") from None
    if not isinstance(names, list) or not 0 < len(names) <= _MOST_FEATURES:
        raise _unfit("the metadata names no features")
    if not all(isinstance(name, str) for name in names):
        raise _unfit("a feature's name is a text")
    return tuple(names)
