"""Which tenant the agent works for, and which one the host was onboarded to."""

from __future__ import annotations

from collections.abc import Iterator

from mdeinspect.documents.health import Health
from mdeinspect.model import Reading
from mdeinspect.privacy import digest
from mdeinspect.rules import Context, Outcome, Raise, Unsure
from mdeinspect.rules.currency import expired
from mdeinspect.sources.onboarding import Onboarding

ONBOARDED_BY = ("mdatp_onboard", "onboarding_profile")  # on Linux, on macOS
OFFBOARDED_BY = "offboarding"


def org_of(health: Health | None) -> str | None:
    """The id of the tenant that health shows, in lower case; None where it shows none."""
    value = health.value("org_id") if health else None
    word = value.strip().lower() if isinstance(value, str) else ""
    return None if word in ("", "null") or "unavailable" in word else word


def deployed(context: Context) -> Reading[Onboarding]:
    """The onboarding that was deployed to this host, by file or by profile."""
    first, second = ONBOARDED_BY
    return context.snapshot[first if context.platform == "linux" else second]


def told(context: Context, org: str) -> str:
    """An id as a finding may tell it."""
    return digest(org) if "ids" in context.config.privacy.redact else org


def offboarding(context: Context) -> str | None:
    """The path of the file that takes the host out of its tenant, where it lies there."""
    reading = context.snapshot[OFFBOARDED_BY]
    return reading.file.path if reading.there is True and reading.file else None


def was_onboarded(context: Context) -> bool:
    """Whether an earlier report saw this host in a tenant."""
    past = context.memory.agent if context.memory else None
    return past is not None and (past.onboarded or past.licensed is True)


def without_licence(context: Context) -> Iterator[Outcome]:
    """The finding of an agent that says it has no licence. An expired build says so as well."""
    tenant, file = org_of(context.health) is not None, deployed(context)
    over = expired(context) if tenant or file.there else False
    dated = context.shown("product_expiration") is not None
    if over is None and dated:
        yield Unsure(
            "cannot tell whether the host is onboarded: "
            "an expired agent says the same, and this one may just have expired"
        )
    elif not over:
        path = file.file.path if file.file else None
        yield Raise("agent", {"tenant": tenant, "onboarding_file": path})
