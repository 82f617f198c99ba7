"""What an author writes about time: the zone, and single moments."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from moroccron.model.errors import DagInvalid
from moroccron.model.validation import kind_of, refuse, suggestion

Moment = datetime | date | str

#: a logical date before or after is a slip of the pen; these can be told in any zone
_FIRST_MOMENT, _AFTER_LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)


def timezone(value: object) -> str:
    """The IANA name of a zone."""
    if isinstance(value, ZoneInfo) and value.key is not None:
        return value.key
    if not isinstance(value, str):
        raise refuse(f"{kind_of(value)} is no zone", 'use an IANA name such as "Europe/Berlin"')
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _unknown_zone(value) from None
    return value


def _unknown_zone(name: str) -> DagInvalid:
    known = sorted(available_timezones())
    wanted = name.strip().replace(" ", "_").lower()
    same_city = [zone for zone in known if wanted and zone.lower().rpartition("/")[2] == wanted]
    remedy = (
        f"did you mean {' or '.join(same_city[:3])}?"
        if same_city
        else suggestion(wanted, known, 'use an IANA name such as "Europe/Berlin"')
    )
    return refuse(f"{name!r} is no known zone", remedy)


def moment(value: object, zone: str) -> datetime | None:
    """A moment in UTC. What names no zone is meant in the DAG's; a date means its first moment."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise refuse(f"{value!r} is no moment", "use ISO 8601, or a datetime") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise refuse(f"{kind_of(value)} is no moment", "use a datetime, a date, or ISO 8601 text")
    try:
        return (value if value.tzinfo else value.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except OverflowError:
        raise refuse(f"{value} is out of bounds", "use a year from 2 to 9998") from None


def logical_date(value: datetime) -> datetime:
    """The moment that a run asked for by a person is about. What names no zone is meant in UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not _FIRST_MOMENT <= aware < _AFTER_LAST:
        raise refuse(
            f"the logical date {value.isoformat()} is out of bounds",
            "use a year from 1970 to 2999",
        )
    return aware
