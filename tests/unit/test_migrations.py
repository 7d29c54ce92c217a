"""The migrations stand in one row, and are told without Alembic."""

from __future__ import annotations

import subprocess
import sys

from alembic.config import Config
from alembic.script import ScriptDirectory

from indexing.backends.postgres import installation


def test_the_newest_is_what_alembic_calls_the_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(installation._MIGRATIONS))
    head = ScriptDirectory.from_config(config).get_current_head()
    assert installation.newest_migration() == head


def test_a_start_without_a_migration_imports_neither_alembic_nor_sqlalchemy() -> None:
    """They take longer to import than everything else that a start needs."""
    asked = "import sys, app.web, app.cli.serve; print({'alembic', 'sqlalchemy'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
