"""The tables: the truth about names, types, keys and indices, which the migrations must arrive at.

Columns stand in the order of the fields of the value they hold, so that a row is read and written by place
(`rows.py`). Must not know how rows are read or written.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from moroccron.adapters.sql.utc_time import UtcTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# Ids sort by their bytes in both databases, whatever the locale of a PostgreSQL cluster.
Id = String().with_variant(String(collation="C"), "postgresql")
Word = String()  #: a state, a kind, a reason: one of our own enumerations
# A number that is never given twice, even after its row is gone. SQLite wants INTEGER for that.
Serial = BigInteger().with_variant(Integer(), "sqlite")

dag_version = Table(
    "dag_version",
    metadata,
    Column("id", Id, primary_key=True),
    Column("dag_id", Id, nullable=False),
    Column("content", Text, nullable=False),  # JSON; its exact text gave the id
    Column("file", String, nullable=False),
    Column("created", UtcTime, nullable=False),
)

dag = Table(
    "dag",
    metadata,
    Column("dag_id", Id, primary_key=True),
    Column("version_id", Id, ForeignKey("dag_version.id"), nullable=False),
    Column("file", String, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("scheduled_until", UtcTime),
    Column("next_due", UtcTime),
    Column("failed_runs", Integer, nullable=False, server_default="0"),
)

load_error = Table(
    "load_error",
    metadata,
    Column("file", String, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("message", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("line", Integer),
    Column("dag_id", Id),
    Column("job_id", Id),
    Column("field", String),
    Column("since", UtcTime, nullable=False),
)

# Its key is the number of the command that asked for it.
backfill = Table(
    "backfill",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("dag_id", Id, ForeignKey("dag.dag_id"), nullable=False),
    Column("version_id", Id, ForeignKey("dag_version.id"), nullable=False),
    Column("begin_at", UtcTime, nullable=False),
    Column("end_at", UtcTime, nullable=False),
    Column("state", Word, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("requested_by", String, nullable=False),
    Column("total", Integer, nullable=False),
    Column("existing", Word, nullable=False),
    Column("version", Word, nullable=False),
    Column("jobs", String),
    Column("downstream", Boolean, nullable=False),
    Column("newest_first", Boolean, nullable=False),
    Column("max_active", Integer, nullable=False),
    Column("params", JSON, nullable=False),
    Column("cursor", UtcTime),
    Column("walked", Boolean, nullable=False),
    Column("made", Integer, nullable=False),
    Column("rerun", Integer, nullable=False),
    Column("left_alone", Integer, nullable=False),
    Column("retry_before", UtcTime),
    Column("ended", UtcTime),
)

run = Table(
    "run",
    metadata,
    Column("id", Id, primary_key=True),
    Column("dag_id", Id, ForeignKey("dag.dag_id"), nullable=False),
    Column("version_id", Id, ForeignKey("dag_version.id"), nullable=False),
    Column("kind", Word, nullable=False),
    Column("state", Word, nullable=False),
    Column("interval_start", UtcTime, nullable=False),
    Column("interval_end", UtcTime, nullable=False),
    Column("due", UtcTime, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("started", UtcTime),
    Column("ended", UtcTime),
    Column("params", JSON, nullable=False),
    Column("kill", Word),
    Column("requested_by", String),
    Column("expires", UtcTime),
    Column("backfill_id", BigInteger),  # no key: SQLite adds none to a table that is there
    Column("previous", Id),
    Column("message", Text),
    Column("cause", JSON),
)
Index(None, run.c.created, run.c.id)
Index(None, run.c.dag_id, run.c.created, run.c.id)
Index(None, run.c.dag_id, run.c.interval_start)
Index(None, run.c.state, run.c.created, run.c.id)
run_is_of_backfill = run.c.backfill_id.is_not(None)
Index(
    "ix_run_of_backfill",
    run.c.backfill_id,
    run.c.state,
    sqlite_where=run_is_of_backfill,
    postgresql_where=run_is_of_backfill,
)
run_is_active = run.c.state.in_(["queued", "running"])
Index("ix_run_active", run.c.dag_id, sqlite_where=run_is_active, postgresql_where=run_is_active)

# Rows of one run lie side by side (WITHOUT ROWID: the key is the table), so that a run is read in one go.
job_run = Table(
    "job_run",
    metadata,
    Column("run_id", Id, ForeignKey("run.id"), primary_key=True),
    Column("job_id", Id, primary_key=True),
    Column("state", Word, nullable=False),
    Column("position", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("ready", UtcTime),
    Column("started", UtcTime),
    Column("ended", UtcTime),
    Column("cause", Id),
    Column("mark", Word),
    Column("marked_by", String),
    Column("message", Text),
    Column("followed", JSON),
    sqlite_with_rowid=False,
)

attempt = Table(
    "attempt",
    metadata,
    Column("run_id", Id, primary_key=True),
    Column("job_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Word, nullable=False),
    Column("ready", UtcTime, nullable=False),
    Column("due", UtcTime),
    Column("task_id", Id),
    Column("agent_id", Id),
    Column("hostname", String),
    Column("agent_url", String),
    Column("sandbox", String),
    Column("ports", JSON),
    Column("location", JSON),
    Column("kill", Word),
    Column("launched", UtcTime),
    Column("started", UtcTime),
    Column("ended", UtcTime),
    Column("exit_code", Integer),
    Column("reason", String),
    Column("message", Text),
    Column("skew", Float),  # seconds; derived, kept for queries
    Column("failure", Word),
    Column("mem", Integer),
    Column("avoid", JSON),
    Column("output", Text),
    ForeignKeyConstraint(["run_id", "job_id"], ["job_run.run_id", "job_run.job_id"]),
    sqlite_with_rowid=False,
)
Index(None, attempt.c.state)

# Append-only, and free of foreign keys: it outlives what it tells of.
history = Table(
    "history",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("subject", Word, nullable=False),
    Column("cause", Text, nullable=False),
    Column("dag_id", Id),
    Column("run_id", Id),
    Column("job_id", Id),
    Column("number", Integer),
    Column("from_state", Word),
    Column("to_state", Word),
    Column("message", Text),
    sqlite_autoincrement=True,
)
Index(None, history.c.run_id, history.c.id)

command = Table(
    "command",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("requested_by", String, nullable=False),
    Column("requested_at", UtcTime, nullable=False),
    Column("answered_at", UtcTime),
    Column("outcome", Word),
    Column("detail", Text),
    sqlite_autoincrement=True,
)
command_is_unanswered = command.c.answered_at.is_(None)
Index(
    "ix_command_unanswered",
    command.c.id,
    sqlite_where=command_is_unanswered,
    postgresql_where=command_is_unanswered,
)

# One row each, or none. `commits` counts the commits of the term: a writer that lost its connection while
# committing learns from it whether that commit was made.
leader = Table(
    "leader",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("term", BigInteger, nullable=False),
    Column("holder", String, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("commits", BigInteger, nullable=False),
)

# Who may lead, and until when; apart from `leader`, whose row every commit locks. `won` counts its leaderships.
lease = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("won", BigInteger, nullable=False),
    Column("holder", String, nullable=False),
    Column("expires", UtcTime, nullable=False),
)

pool = Table(
    "pool",
    metadata,
    Column("name", Id, primary_key=True),
    Column("slots", Integer, nullable=False),
)

share = Table(
    "share",
    metadata,
    Column("owner", Id, primary_key=True),
    Column("weight", Integer, nullable=False),
    Column("cpus", Integer),  # thousandths
    Column("mem", Integer),  # MiB
    Column("jobs", Integer),
)

framework = Table(
    "framework",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("framework_id", String, nullable=False),
)
