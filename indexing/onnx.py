"""Models in ONNX, read as data: from their bytes alone, by ONNX Runtime's own operators."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

_OUTSIDE = "session.model_external_initializers_file_folder_path"


def session_of(body: bytes, severity: int = 4) -> Any:
    """Return a session on one thread; at severity 4 nothing is logged, as that may quote the file.

    Raises what the runtime does, which has classes of its own.
    """
    import onnxruntime  # loaded when first used

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = severity
    with TemporaryDirectory(prefix="anamnesis-") as nothing:
        # What a model keeps outside of its file is looked for here alone, where nothing lies: else
        # it could read what lies beside the server.
        options.add_session_config_entry(_OUTSIDE, nothing)
        return onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
