"""The store in SQL: SQLite and PostgreSQL through SQLAlchemy Core."""
