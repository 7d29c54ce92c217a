"""The wheel stands alone: installed elsewhere it carries model, templates, migrations and seed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGEST_INSTALL_MB = 500


def run(*command: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ANAMNESIS_")}
    return subprocess.run(
        [str(part) for part in command],
        check=False, capture_output=True, text=True, timeout=300,
        env={**environment, **settings}, cwd="/",
    )  # fmt: skip


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Path]:
    """A virtual environment that holds the wheel and the locked dependencies, and no checkout."""
    # Not pytest's folder, which only its owner may pass: under root the database's programs run
    # as another user, who must reach them.
    folder = Path(tempfile.mkdtemp(prefix="anamnesis-wheel-"))
    folder.chmod(0o755)
    uv = Path(sys.executable).with_name("uv")
    tool = str(uv) if uv.exists() else shutil.which("uv")
    assert tool, "make installs uv into .venv"
    python = folder / "venv" / "bin" / "python"
    install = (tool, "pip", "install", "--quiet", "--python", python)
    for command in (
        (tool, "build", "--wheel", "--quiet", "--out-dir", folder / "dist", ROOT),
        (tool, "venv", "--quiet", "--python", sys.executable, folder / "venv"),
        (*install, "-r", ROOT / "requirements.lock"),
    ):
        done = run(*command)
        assert done.returncode == 0, done.stderr
    done = run(*install, "--no-deps", *(folder / "dist").glob("*.whl"))
    assert done.returncode == 0, done.stderr
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_the_installed_wheel_passes_its_own_doctor(elsewhere: Path, tmp_path: Path) -> None:
    command = elsewhere / "venv" / "bin" / "anamnesis"
    home = {"ANAMNESIS_HOME": str(tmp_path / "home")}
    try:
        done = run(command, "doctor", "--json", **home)
        assert done.returncode == 0, done.stdout + done.stderr
        findings = json.loads(done.stdout)["findings"]
        assert {f["verdict"] for f in findings} == {"ok"}
    finally:
        run(command, "stop", **home)


@pytest.mark.slow
def test_the_default_install_stays_lean(elsewhere: Path) -> None:
    packages = elsewhere / "venv" / "lib"
    size = sum(f.stat().st_size for f in packages.rglob("*") if f.is_file() and not f.is_symlink())
    assert size / 1e6 <= LARGEST_INSTALL_MB
    assert not list(packages.rglob("torch"))
