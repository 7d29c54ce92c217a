"""The first schema: every file of `sql/`, in the order of its number."""

from __future__ import annotations

from pathlib import Path

from alembic import context, op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything; role names come from the installation."""
    roles: dict[str, str] = context.config.attributes["roles"]
    for path in sorted((Path(__file__).parents[1] / "sql").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        for name, role in roles.items():
            text = text.replace("{{" + name + "}}", role)
        # The driver itself: many statements at once, and no placeholders to escape.
        driver = op.get_bind().connection.driver_connection
        assert driver is not None
        driver.execute(text)
