"""Is what the agent works with still current? The age of its definitions, the end of its build."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mdeinspect.checkin import awake_age
from mdeinspect.documents.health import moment
from mdeinspect.model import Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.rules._past import newest
from mdeinspect.rules._unsaid import unsaid

# Text dates carry no zone: they may be off by any zone on Earth.
ZONE = timedelta(hours=14)
QUARTER = timedelta(minutes=15)  # every zone is a multiple of it
SKEW = timedelta(minutes=5)
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)  # a date before the product is no date


@rule(
    "definitions-old",
    Severity.MEDIUM,
    title="The definitions were last updated {updated}",
    detail="Security intelligence is of {updated}; at most {max_age_days} days are allowed.",
    remedy="Run `mdatp definitions update` and read its error. Check the proxy, the way to the "
    "update servers or to the offline mirror, and automatic_definition_update_enabled.",
    means="The definitions are older than `max_age_days` days (default 7) of running time. Time "
    "since before the last boot does not count: nothing could be fetched then.",
    matters="New malware is known by new definitions first; an agent without them stays `healthy`.",
    needs=("health",),
    options={"max_age_days": 7},
    fields=("definitions_updated|definitions_updated_minutes_ago",),
)
def definitions_old(context: Context) -> Iterator[Outcome]:
    """Old by time in which the host could have fetched new ones."""
    updated, exact = _updated(context)
    if updated is None:
        yield Unsure("cannot tell how old the definitions are: health does not show it")
        return
    margin = timedelta() if exact else ZONE
    if updated - context.now > max(margin, SKEW):
        yield Unsure("cannot tell how old the definitions are: their date is ahead of the clock")
        return
    limit = _days(context, "max_age_days")
    if _running_age(context, updated + margin) > limit:
        facts = {"updated": updated, "exact": exact}
        yield Raise("agent", {**facts, "max_age_days": context.options["max_age_days"]})
    elif _running_age(context, updated - margin) > limit:
        yield Unsure("cannot tell how old the definitions are: their date shows no time zone")


SIGNS = frozenset(
    {
        "definitions_status",
        "definitions_version",
        "definitions_updated",
        "definitions_updated_minutes_ago",
    }
)


@rule(
    "definitions-not-current",
    Severity.LOW,
    title="The agent's definitions are not in order: {status}",
    detail="`mdatp health` shows definitions_status {status}, version {version}, updated "
    "{updated}.",
    remedy="Run `mdatp definitions update`, see definitions_update_fail_reason in `mdatp health "
    "--details definitions`, and check the way to the update servers or to the offline mirror.",
    means="By its own word the agent has been updating its definitions for more than "
    "`updating_hours` hours (default 24) of running time, or has none at all: no status, no "
    "version and no date. A status that it does not know is no finding beside a version.",
    matters="An update that does not end is one that fails. `definitions-old` tells it too, but "
    "only days later.",
    needs=("health",),
    options={"updating_hours": 24},
    fields=("definitions_status",),
)
def definitions_not_current(context: Context) -> Iterator[Outcome]:
    """The status, held against version and age. A word that is not known tells nothing."""
    field = context.health.get("definitions_status") if context.health else None
    if field is None:
        if unsaid(context, "definitions_status"):
            yield Unsure("cannot tell whether definitions are current: health no longer says it")
        return
    word = str(field.value).replace(" ", "_").lower() if field.value is not None else None
    version, (updated, exact) = context.shown("definitions_version"), _updated(context)
    facts = {"status": word or "unavailable", "version": version, "updated": updated}
    if word == "up_to_date":
        return
    if lost := sorted(SIGNS & set(context.health.retyped if context.health else ())):
        yield Unsure(f"cannot tell whether definitions are current: {lost[0]} is not as it was")
    elif word == "updating":
        limit = timedelta(hours=min(context.options["updating_hours"], 876_000))
        if updated is None:
            yield Unsure("cannot tell how long definitions are being updated: no date is shown")
        elif _running_age(context, updated + (timedelta() if exact else ZONE)) > limit:
            yield Raise("agent", facts)
    elif word in (None, "unavailable") and not version and updated is None:
        yield Raise("agent", facts)
    else:
        yield Unsure(f"cannot tell whether definitions are current: their status is {word}")


@rule(
    "agent-downgraded",
    Severity.LOW,
    title="The agent went back to version {version}",
    detail="`mdatp health` shows version {version}; in earlier reports this host had {newest}.",
    remedy="Find out who installed the older version: a package that is pinned, a mirror that lags "
    "behind, an image that was restored, or somebody by hand. Update the agent.",
    means="The agent is older than it was. It is told for `days` days (default 30), or until the "
    "newer version is back. Only a memory of earlier reports can tell.",
    matters="An old version brings back weaknesses that were closed, and expires sooner.",
    options={"days": 30},
    fields=("app_version",),
)
def agent_downgraded(context: Context) -> Iterator[Outcome]:
    """Older than what is remembered."""
    past, version = context.memory.agent if context.memory else None, context.agent.version
    if past is None or past.newest is None or context.agent.state == "missing":
        return
    if version is None:
        if past.older_since is not None:
            yield Unsure("cannot tell which version of the agent runs: health does not show it")
        return
    top, since = newest(past, version, context.now, _days(context, "days"))
    if since is not None:
        yield Raise("agent", {"version": version, "newest": top}, since=since)


@rule(
    "product-expired",
    Severity.HIGH,
    title="The agent's build expired {expires}",
    detail="`mdatp health` shows product_expiration {expires}; the agent's version is {version}.",
    remedy="Update the agent from the package repository of Microsoft, and find out why it was "
    "not updated: a build works for about nine months.",
    means="This build of the agent is past the date that was built into it.",
    matters="An expired agent says that it has no licence, and protects no longer.",
    needs=("health",),
    fields=("product_expiration",),
)
def product_expired(context: Context) -> Iterator[Outcome]:
    """Past its date; a date without a zone only when it is past everywhere."""
    date, exact = _expiration(context)
    over = expired(context)
    if over:
        yield Raise("agent", _expiry_facts(context), since=date if exact else None)
    elif over is None:
        yield Unsure(_no_date(date))


@rule(
    "product-expiring",
    Severity.LOW,
    title="The agent's build expires {expires}",
    detail="`mdatp health` shows product_expiration {expires}; the agent's version is {version}.",
    remedy="Update the agent from the package repository of Microsoft before that date.",
    means="This build of the agent expires within `days` days (default 30).",
    matters="Builds come out every month and work for about nine: this host is not being updated.",
    needs=("health",),
    options={"days": 30},
    fields=("product_expiration",),
)
def product_expiring(context: Context) -> Iterator[Outcome]:
    """Not past its date for sure, and surely near it."""
    date, exact = _expiration(context)
    if date is None:
        yield Unsure(_no_date(date))
        return
    latest = date if exact else date + ZONE
    near = latest - context.now <= _days(context, "days")
    if near and not expired(context):
        yield Raise("agent", _expiry_facts(context))


def expired(context: Context) -> bool | None:
    """Whether the build is past its date; None where that cannot be told."""
    date, exact = _expiration(context)
    if date is None:
        return None
    margin = timedelta() if exact else ZONE
    if context.now >= date + margin:
        return True
    return None if not exact and context.now > date - margin else False


def _days(context: Context, option: str) -> timedelta:
    """An option in days; a century stands for anything longer."""
    return timedelta(days=min(context.options[option], 36_500))


def _expiration(context: Context) -> tuple[datetime | None, bool]:
    """When the build ends, and whether that is exact."""
    date, exact = moment(context.health.get("product_expiration") if context.health else None)
    return (date, exact) if date is not None and date >= EARLIEST else (None, False)


def _expiry_facts(context: Context) -> dict[str, object]:
    date, exact = _expiration(context)
    return {"expires": date, "exact": exact, "version": context.agent.version}


def _no_date(date: datetime | None) -> str:
    why = "health does not show a date" if date is None else "its date shows no time zone"
    return f"cannot tell whether the agent's build expired: {why}"


def _updated(context: Context) -> tuple[datetime | None, bool]:
    """When the definitions were last updated, and whether that is exact."""
    date, exact = moment(context.health.get("definitions_updated") if context.health else None)
    minutes = context.shown("definitions_updated_minutes_ago")
    if isinstance(minutes, int):
        return _counted(context, minutes, date), True
    return (date, exact) if date is not None and date >= EARLIEST else (None, False)


def _counted(context: Context, minutes: int, date: datetime | None) -> datetime:
    """The moment that lies `minutes` before health was read, to the minute.

    Whole minutes make it waver from one reading to the next; where the date fits but for its
    time zone, the date does not.
    """
    counted = context.snapshot["health"].taken_at - timedelta(minutes=minutes)
    if date is not None:
        zone = round((date - counted) / QUARTER) * QUARTER
        if abs(zone) <= ZONE and abs(date - zone - counted) <= timedelta(seconds=90):
            return date - zone
    return (counted + timedelta(seconds=30)).replace(second=0, microsecond=0)


def _running_age(context: Context, since: datetime) -> timedelta:
    """The age of a moment, without the time before boot where that is known."""
    age = awake_age(context.snapshot.host, since, context.now)
    return age if age is not None else context.now - since
