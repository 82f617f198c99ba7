"""The first tables: DAGs and their versions, runs, job runs, attempts, history, commands, leader."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.TIMESTAMP(timezone=True).with_variant(sa.String(32), "sqlite")

ACTIVE = sa.text("state IN ('queued', 'running')")
UNANSWERED = sa.text("answered_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "command",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("answered_at", TIME),
        sa.Column("outcome", sa.String()),
        sa.Column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_command_unanswered",
        "command",
        ["id"],
        sqlite_where=UNANSWERED,
        postgresql_where=UNANSWERED,
    )
    op.create_table(
        "dag_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("dag_id", ID, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dag_version")),
    )
    op.create_table(
        "framework",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("framework_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_framework")),
    )
    op.create_table(
        "history",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("dag_id", ID),
        sa.Column("run_id", ID),
        sa.Column("job_id", ID),
        sa.Column("number", sa.Integer()),
        sa.Column("from_state", sa.String()),
        sa.Column("to_state", sa.String()),
        sa.Column("message", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_history_run_id_id", "history", ["run_id", "id"])
    op.create_table(
        "leader",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("commits", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leader")),
    )
    op.create_table(
        "load_error",
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer()),
        sa.Column("dag_id", ID),
        sa.Column("job_id", ID),
        sa.Column("field", sa.String()),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("file", "position", name=op.f("pk_load_error")),
    )
    op.create_table(
        "dag",
        sa.Column("dag_id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("scheduled_until", TIME),
        sa.Column("next_due", TIME),
        sa.ForeignKeyConstraint(
            ["version_id"], ["dag_version.id"], name=op.f("fk_dag_version_id_dag_version")
        ),
        sa.PrimaryKeyConstraint("dag_id", name=op.f("pk_dag")),
    )
    op.create_table(
        "run",
        sa.Column("id", ID, nullable=False),
        sa.Column("dag_id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("interval_start", TIME, nullable=False),
        sa.Column("interval_end", TIME, nullable=False),
        sa.Column("due", TIME, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("started", TIME),
        sa.Column("ended", TIME),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("kill", sa.String()),
        sa.Column("requested_by", sa.String()),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.dag_id"], name=op.f("fk_run_dag_id_dag")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["dag_version.id"], name=op.f("fk_run_version_id_dag_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(
        "ix_run_active", "run", ["dag_id"], sqlite_where=ACTIVE, postgresql_where=ACTIVE
    )
    op.create_index("ix_run_created_id", "run", ["created", "id"])
    op.create_index("ix_run_dag_id_created_id", "run", ["dag_id", "created", "id"])
    op.create_index("ix_run_state_created_id", "run", ["state", "created", "id"])
    op.create_table(
        "job_run",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("ready", TIME),
        sa.Column("started", TIME),
        sa.Column("ended", TIME),
        sa.Column("cause", ID),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_job_run_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "job_id", name=op.f("pk_job_run")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attempt",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ready", TIME, nullable=False),
        sa.Column("due", TIME),
        sa.Column("task_id", ID),
        sa.Column("agent_id", ID),
        sa.Column("hostname", sa.String()),
        sa.Column("agent_url", sa.String()),
        sa.Column("sandbox", sa.String()),
        sa.Column("ports", sa.JSON()),
        sa.Column("location", sa.JSON()),
        sa.Column("kill", sa.String()),
        sa.Column("launched", TIME),
        sa.Column("started", TIME),
        sa.Column("ended", TIME),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("reason", sa.String()),
        sa.Column("message", sa.Text()),
        sa.Column("skew", sa.Float()),
        sa.ForeignKeyConstraint(
            ["run_id", "job_id"],
            ["job_run.run_id", "job_run.job_id"],
            name=op.f("fk_attempt_run_id_job_id_job_run"),
        ),
        sa.PrimaryKeyConstraint("run_id", "job_id", "number", name=op.f("pk_attempt")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_attempt_state", "attempt", ["state"])


def downgrade() -> None:
    op.drop_table("attempt")
    op.drop_table("job_run")
    op.drop_table("run")
    op.drop_table("dag")
    op.drop_table("load_error")
    op.drop_table("leader")
    op.drop_table("history")
    op.drop_table("framework")
    op.drop_table("dag_version")
    op.drop_table("command")
