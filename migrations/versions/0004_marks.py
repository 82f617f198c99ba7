"""What people say that a job of a run has come to, and who said it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job_run", sa.Column("mark", sa.String()))
    op.add_column("job_run", sa.Column("marked_by", sa.String()))


def downgrade() -> None:
    op.drop_column("job_run", "marked_by")
    op.drop_column("job_run", "mark")
