"""Backfills, and which runs are of one. Null: none of a backfill's."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")
TIME = sa.TIMESTAMP(timezone=True).with_variant(sa.String(32), "sqlite")

OF_BACKFILL = sa.text("backfill_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "backfill",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dag_id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("begin_at", TIME, nullable=False),
        sa.Column("end_at", TIME, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("existing", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("jobs", sa.String()),
        sa.Column("downstream", sa.Boolean(), nullable=False),
        sa.Column("newest_first", sa.Boolean(), nullable=False),
        sa.Column("max_active", sa.Integer(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("cursor", TIME),
        sa.Column("walked", sa.Boolean(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("rerun", sa.Integer(), nullable=False),
        sa.Column("left_alone", sa.Integer(), nullable=False),
        sa.Column("retry_before", TIME),
        sa.Column("ended", TIME),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.dag_id"], name=op.f("fk_backfill_dag_id_dag")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["dag_version.id"], name=op.f("fk_backfill_version_id_dag_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill")),
    )
    op.add_column("run", sa.Column("backfill_id", sa.BigInteger()))
    op.create_index(
        "ix_run_of_backfill",
        "run",
        ["backfill_id", "state"],
        sqlite_where=OF_BACKFILL,
        postgresql_where=OF_BACKFILL,
    )


def downgrade() -> None:
    op.drop_index("ix_run_of_backfill", "run")
    op.drop_column("run", "backfill_id")
    op.drop_table("backfill")
