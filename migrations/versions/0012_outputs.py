"""Attempts keep what they hand on, and job runs which way they chose. Null: nothing, as before."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempt", sa.Column("output", sa.Text()))
    op.add_column("job_run", sa.Column("followed", sa.JSON()))


def downgrade() -> None:
    op.drop_column("job_run", "followed")
    op.drop_column("attempt", "output")
