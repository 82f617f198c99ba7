"""When a run is ended because it took longer than its DAG allows. Null: no limit, or not begun."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.TIMESTAMP(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.add_column("run", sa.Column("expires", TIME))


def downgrade() -> None:
    op.drop_column("run", "expires")
