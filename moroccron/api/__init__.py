"""The web process: JSON API and pages, on top of Queries and Commands alone."""
