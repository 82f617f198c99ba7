"""How many scheduled runs of a DAG failed in a row, for those that pause because of it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dag", sa.Column("failed_runs", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("dag", "failed_runs")
