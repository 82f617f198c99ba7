"""Shares: owners' weights and caps, set by people and changed live."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "share",
        sa.Column("owner", ID, nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("cpus", sa.Integer()),
        sa.Column("mem", sa.Integer()),
        sa.Column("jobs", sa.Integer()),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_share")),
    )


def downgrade() -> None:
    op.drop_table("share")
