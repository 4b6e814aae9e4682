"""Does the host report to the tenant that it belongs to?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from mdeinspect.model import Severity
from mdeinspect.privacy import digest
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.rules._past import tenant as tenant_after
from mdeinspect.rules._tenant import (
    deployed,
    offboarding,
    org_of,
    told,
    was_onboarded,
    without_licence,
)

FIELDS = ("org_id",)
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@rule(
    "tenant-changed",
    Severity.HIGH,
    title="The agent reports to another tenant than before",
    detail="Health shows the tenant {tenant}; in earlier reports it was {before}.",
    remedy="Find out who onboarded the host anew. Where it was moved on purpose, accept this "
    "finding; else onboard it again with the package of your own tenant.",
    means="The organisation id that the agent shows is not the one that this host had. It is told "
    "for `days` days (default 30), or until the host is back; then the new tenant counts as its "
    "own. Only a memory of earlier reports can tell: `status` by itself cannot.",
    matters="What happens on the host is told to somebody else, who can also run commands on it; "
    "in its own portal the host falls silent.",
    options={"days": 30},
    fields=FIELDS,
)
def tenant_changed(context: Context) -> Iterator[Outcome]:
    """Another tenant than the one that is remembered."""
    past = context.memory.agent.tenant if context.memory else None
    if past is None or context.agent.state == "missing":
        return
    org = org_of(context.health)
    if org is None:
        if past.other is not None:
            yield Unsure("cannot tell which tenant the agent reports to: health does not show it")
        return
    days = timedelta(days=min(context.options["days"], 36_500))
    hide = "ids" in context.config.privacy.redact
    now = tenant_after(past, org, context.now, days, hide=hide)
    if now is not None and now.other is not None:
        yield Raise("agent", {"tenant": now.other, "before": now.home}, since=now.other_since)


@rule(
    "tenant-mismatch",
    Severity.MEDIUM,
    title="The agent reports to another tenant than it was given",
    detail="Health shows the tenant {tenant}; {file} is of {onboarding}.",
    remedy="Check which tenant is right. Restart the agent where the file is new; onboard the host "
    "again where the agent is wrong, and deploy the right package where the file is.",
    means="The onboarding that is deployed to the host belongs to another organisation than the "
    "one that the agent shows. Of the file nothing is told but a digest of its organisation id. A "
    "file that was written within the grace time does not count.",
    matters="One of the two tenants waits in vain for this host: it was moved halfway, or "
    "onboarded with a stranger's package.",
    needs=("health",),
    fields=FIELDS,
)
def tenant_mismatch(context: Context) -> Iterator[Outcome]:
    """The word of the agent against what was deployed."""
    org, reading = org_of(context.health), deployed(context)
    if reading.state == "missing" or context.agent.licensed is False:
        return  # nothing to compare with, or in no tenant
    if org is None:
        yield Unsure("cannot tell which tenant the agent reports to: health does not show it")
        return
    if reading.value is None:
        yield Unsure(reading.reason or "cannot tell for which tenant the host was onboarded")
        return
    given = (reading.value.org_id or "").strip().lower()
    if not given:
        yield Unsure("cannot tell for which tenant the host was onboarded: the file does not say")
    elif given != org and not GUID.fullmatch(org):
        yield Unsure("cannot tell which tenant the agent reports to: what it shows is no id")
    elif given != org and not _fresh(context):
        path = reading.file.path if reading.file else None
        facts = {"tenant": told(context, org), "onboarding": digest(given), "file": path}
        yield Raise("agent", facts)


def _fresh(context: Context) -> bool:
    """Whether the agent may not have taken up yet what was deployed."""
    file = deployed(context).file
    changed = file.changed if file else None
    taken = context.snapshot["health"].taken_at
    return changed is not None and taken - changed < context.config.schedule.grace


@rule(
    "agent-offboarded",
    Severity.HIGH,
    title="The host was taken out of its tenant",
    detail="`mdatp health` shows licensed false. It was onboarded in earlier reports: {before}. "
    "Offboarding file: {file}.",
    remedy="Where it was meant so, remove the agent, or accept this finding. Else remove the "
    "offboarding file, onboard the host again with the package of your tenant, and find out who "
    "offboarded it.",
    means="The agent has no licence, and either had one in earlier reports or the file that takes "
    "a host out of its tenant lies there. It stands in place of `agent-not-onboarded`.",
    matters="An offboarded host takes no policy and reports to nobody; copying one file is enough "
    "to do that.",
    needs=("health",),
    fields=("licensed",),
)
def agent_offboarded(context: Context) -> Iterator[Outcome]:
    """Without a tenant, and it had one."""
    before, file = was_onboarded(context), offboarding(context)
    if not before and file is None:
        return
    if context.agent.licensed is None:
        yield Unsure("cannot tell whether the host is still onboarded: health does not say it")
    elif context.agent.licensed is False:
        for outcome in without_licence(context):
            facts = {"before": before, "file": file}
            yield Raise("agent", facts) if isinstance(outcome, Raise) else outcome


@rule(
    "offboarding-file",
    Severity.MEDIUM,
    title="An offboarding file lies on a host that is onboarded",
    detail="{file} is there, and `mdatp health` shows licensed true.",
    remedy="Remove the file or withdraw the profile, unless the host is to leave its tenant; find "
    "out who put it there.",
    means="The file or profile that takes a host out of its tenant is there, and the agent has not "
    "acted on it: it has just been copied, it has expired, or it waits for a restart.",
    matters="The host may leave its tenant at any moment. Microsoft's installer removes the file "
    "before it onboards, and warns of deploying both profiles at once.",
    needs=("health",),
    fields=("licensed",),
)
def offboarding_file(context: Context) -> Iterator[Outcome]:
    """On its way out, or nearly."""
    file = offboarding(context)
    if file is not None and context.agent.licensed is True:
        yield Raise(f"file:{file}", {"file": file})
    elif file is not None and context.agent.licensed is None:
        yield Unsure("cannot tell whether the host is still onboarded: health does not say it")
    elif context.snapshot["offboarding"].there is None:
        yield Unsure(context.snapshot["offboarding"].reason or "cannot look for the file")
