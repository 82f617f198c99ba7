"""The framework's roles, as they were set."""

from moroccron.settings import Settings


def roles_of(settings: Settings) -> tuple[str, ...]:
    """Each once, first the one of jobs that name none."""
    return tuple(dict.fromkeys(role.strip() for role in settings.role.split(",")))
