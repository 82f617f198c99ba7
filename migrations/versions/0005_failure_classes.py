"""Of an attempt: whose doing its end was, the memory it asks for, and the agents that it would rather not have.

Attempts of before have no class: it was not looked at.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempt", sa.Column("failure", sa.String()))
    op.add_column("attempt", sa.Column("mem", sa.Integer()))
    op.add_column("attempt", sa.Column("avoid", sa.JSON()))


def downgrade() -> None:
    op.drop_column("attempt", "avoid")
    op.drop_column("attempt", "mem")
    op.drop_column("attempt", "failure")
