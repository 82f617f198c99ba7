"""Runs say what triggered them. Null: a schedule, a person or a backfill."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("cause", sa.JSON()))


def downgrade() -> None:
    op.drop_column("run", "cause")
