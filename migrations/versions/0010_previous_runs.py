"""Runs know the one before them, and runs and jobs say what they wait for. Null: nothing, as before."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("run", sa.Column("previous", ID))
    op.add_column("run", sa.Column("message", sa.Text()))
    op.add_column("job_run", sa.Column("message", sa.Text()))
    op.create_index(op.f("ix_run_dag_id_interval_start"), "run", ["dag_id", "interval_start"])


def downgrade() -> None:
    op.drop_index(op.f("ix_run_dag_id_interval_start"), table_name="run")
    op.drop_column("job_run", "message")
    op.drop_column("run", "message")
    op.drop_column("run", "previous")
