"""Does the host report to the tenant that it belongs to?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from cases_tenant import NO_LICENCE, OFFBOARD, OURS, THEIRS
from engine_support import Machine, words

from mdeinspect.config.model import Config, Privacy
from mdeinspect.events import Event
from mdeinspect.model import Finding, Report, Severity
from mdeinspect.privacy import digest
from support import DAY, HOUR, MINUTE, NOW, ONBOARD, HostFolder, codes, found, unknown

PROFILE = "/Library/Managed Preferences/com.microsoft.wdav.atp.plist"
LEAVING = "/Library/Managed Preferences/com.microsoft.wdav.atp.offboarding.plist"
HIDDEN = Config(privacy=Privacy(redact=("ids",)))


def only(told: Report, code: str) -> Finding:
    """The one finding of a code."""
    (finding,) = found(told, code)
    return finding


def raised(machine: Machine, code: str) -> list[Event]:
    """What was told of a code."""
    return [one for one in machine.told if one.code == code]


# --- tenant-changed -----------------------------------------------------------------------------


def moved(machine: Machine) -> Machine:
    """A host that reports to us, and an hour later to somebody else."""
    machine.healthy().step()
    machine.later(HOUR).healthy(orgId=THEIRS).step()
    return machine


def test_another_tenant_is_high_and_told_once() -> None:
    """With both ids; the restart of the service changes nothing."""
    machine = moved(Machine())
    (event,) = raised(machine, "tenant-changed")
    assert (event.type, event.severity, event.subject) == ("finding.raised", Severity.HIGH, "agent")
    assert event.data["facts"] == {"tenant": THEIRS, "before": OURS}
    assert event.data["since"] == NOW + HOUR
    machine.later(HOUR).ask().restart().step()
    assert len(raised(machine, "tenant-changed")) == 1


def test_it_is_over_when_the_host_is_back() -> None:
    """And the tenant is its own again."""
    machine = moved(Machine())
    machine.later(HOUR).healthy().step()
    assert words(machine.told)[-1] == "finding.cleared tenant-changed agent resolved"


def test_after_the_days_the_new_tenant_is_its_own() -> None:
    """By the moment that the service itself waits for; then going back is a change."""
    machine = moved(Machine(config=Config(rules={"tenant-changed": {"days": 3}})))
    while not any(one.type == "finding.cleared" for one in raised(machine, "tenant-changed")):
        due = machine.due()
        assert due is not None
        machine.later(due - machine.now).ask().step()
    assert machine.now == NOW + HOUR + 3 * DAY
    machine.later(HOUR).healthy().step()
    assert raised(machine, "tenant-changed")[-1].data["facts"]["before"] == THEIRS


def test_a_tenant_that_is_not_shown_is_no_other() -> None:
    """Unavailable clears nothing, and raises nothing."""
    machine = moved(Machine())
    for shown in ("unavailable", None, "", "null"):
        machine.later(HOUR).healthy(orgId=shown).step()
    assert len(raised(machine, "tenant-changed")) == 1
    machine = Machine()
    machine.step()
    machine.later(HOUR).healthy(orgId=None).step()
    machine.later(HOUR).healthy().step()
    assert raised(machine, "tenant-changed") == []


def test_redacted_ids_are_neither_told_nor_remembered() -> None:
    """Digests of both, in the finding and in the store."""
    machine = moved(Machine(config=HIDDEN))
    (event,) = raised(machine, "tenant-changed")
    assert event.data["facts"] == {"tenant": digest(THEIRS), "before": digest(OURS)}
    kept = json.dumps(machine.memory.rows() if machine.memory else None)
    for org in (OURS, THEIRS):
        assert org not in kept
        assert org not in repr(machine.told)


def test_redaction_that_is_switched_on_or_off_moves_no_host() -> None:
    """What is remembered is compared either way, and hidden from then on."""
    machine = Machine()
    for config in (Config(), HIDDEN, HIDDEN, Config(), HIDDEN):
        machine.config = config
        machine.later(HOUR).healthy().step()
    assert raised(machine, "tenant-changed") == []
    assert OURS not in json.dumps(machine.memory.rows() if machine.memory else None)
    machine.later(HOUR).healthy(orgId=None).step()
    assert OURS not in json.dumps(machine.memory.rows() if machine.memory else None)


# --- tenant-mismatch ----------------------------------------------------------------------------


def test_the_file_of_another_tenant_is_medium(host: HostFolder) -> None:
    """With the agent's id, a digest of the other, and the file; also from JSON kept as text."""
    inner = json.dumps({"body": json.dumps({"orgId": THEIRS})})
    for content in ({"orgId": THEIRS}, {"onboardingInfo": inner}):
        finding = only(host.health().file(ONBOARD, content).report(), "tenant-mismatch")
        assert (finding.severity, finding.subject) == (Severity.MEDIUM, "agent")
        assert finding.facts == {"tenant": OURS, "onboarding": digest(THEIRS), "file": ONBOARD}


def test_the_profile_of_another_tenant_counts_on_a_mac(mac: HostFolder) -> None:
    """By its preferences."""
    finding = only(mac.health().file(PROFILE, {"OrgId": THEIRS}).report(), "tenant-mismatch")
    assert finding.facts["file"] == PROFILE


@pytest.mark.parametrize("path", [ONBOARD, PROFILE])
def test_redacted_ids_stay_hidden(host: HostFolder, mac: HostFolder, path: str) -> None:
    """In what is found, and in everything else that is reported."""
    one, key = (host, "orgId") if path == ONBOARD else (mac, "OrgId")
    told = one.health().file(path, {key: THEIRS}).report(HIDDEN)
    facts = only(told, "tenant-mismatch").facts
    assert facts == {"tenant": digest(OURS), "onboarding": digest(THEIRS), "file": path}
    assert THEIRS not in repr(told)
    assert OURS not in repr(told.findings)


@pytest.mark.parametrize(("age", "fields"), [(5 * MINUTE, {}), (DAY, NO_LICENCE)])
def test_a_file_of_just_now_and_an_agent_of_nobody_are_no_mismatch(
    host: HostFolder, age: Any, fields: dict[str, Any]
) -> None:
    """The agent may still take it up; without a tenant there is nothing to compare."""
    told = host.health(**fields).file(ONBOARD, {"orgId": THEIRS}, age=age).report()
    assert "tenant-mismatch" not in (*codes(told), *unknown(told))


@pytest.mark.parametrize("shown", ["unavailable", "...", "***", "sha256:0123456789ab"])
def test_an_agent_that_does_not_show_its_tenant_leaves_it_unknown(
    host: HostFolder, shown: str
) -> None:
    """It works for somebody, and does not say for whom; or whoever copied health hid it."""
    told = host.health(orgId=shown).file(ONBOARD, {"orgId": THEIRS}).report()
    assert "tenant-mismatch" in unknown(told)
    assert codes(told) == []


@pytest.mark.parametrize("content", ["{", "{}", {"orgId": 7}])
def test_a_file_that_does_not_say_leaves_it_unknown(host: HostFolder, content: Any) -> None:
    """Malformed, empty, of another type."""
    told = host.health().file(ONBOARD, content).report()
    assert "tenant-mismatch" in unknown(told)
    assert codes(told) == []


# --- agent-offboarded, offboarding-file ---------------------------------------------------------


def test_a_host_that_lost_its_tenant_is_told_so() -> None:
    """In place of never having been onboarded; since earlier reports say so, for ever."""
    machine = Machine()
    machine.step()
    machine.later(HOUR).healthy(**NO_LICENCE).step()
    for _ in range(3):
        machine.later(10 * DAY).healthy(**NO_LICENCE).restart().step()
    finding = only(machine.report(), "agent-offboarded")
    assert (finding.severity, finding.subject) == (Severity.HIGH, "agent")
    assert finding.facts == {"before": True, "file": None}
    assert found(machine.report(), "agent-not-onboarded") == []
    machine.later(HOUR).healthy().step()
    assert "finding.cleared agent-offboarded agent resolved" in words(machine.told)


@pytest.mark.parametrize(("platform", "path"), [("linux", OFFBOARD), ("darwin", LEAVING)])
def test_the_file_that_did_it_is_named(
    host: HostFolder, mac: HostFolder, platform: str, path: str
) -> None:
    """Without any memory."""
    one = host if platform == "linux" else mac
    told = one.health(**NO_LICENCE).file(path, {"any": "thing"}).report()
    assert only(told, "agent-offboarded").facts == {"before": False, "file": path}
    assert codes(told) == ["agent-offboarded"]


def test_a_host_that_was_never_onboarded_was_not_offboarded(host: HostFolder) -> None:
    """It has a finding of its own."""
    told = host.health(**NO_LICENCE).report()
    assert codes(told) == ["agent-not-onboarded"]


def test_an_expired_build_is_not_offboarded() -> None:
    """It says the same of its licence."""
    machine = Machine()
    machine.step()
    expired = str(int((NOW + DAY).timestamp() * 1000))
    machine.later(2 * DAY).healthy(**{**NO_LICENCE, "orgId": OURS}, productExpiration=expired)
    assert found(machine.report(), "agent-offboarded") == []
    assert found(machine.report(), "product-expired")


def test_an_offboarding_file_on_an_onboarded_host_is_medium(host: HostFolder) -> None:
    """It may leave at any moment."""
    finding = only(host.health().file(OFFBOARD, "signed").report(), "offboarding-file")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, f"file:{OFFBOARD}")
    assert finding.facts == {"file": OFFBOARD}
