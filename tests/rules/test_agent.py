"""Is the agent there, does it answer, whose is it, and is it well by its own word?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mdeinspect import catalogue, rules
from mdeinspect.config.model import Config
from mdeinspect.host.recorded import RecordedHost
from mdeinspect.inspect import Plan, take
from mdeinspect.model import Finding, Report, Severity, Snapshot
from mdeinspect.report import report
from mdeinspect.rules.agent import ISSUES
from support import (
    ATTACH,
    DAY,
    HOUR,
    MAC_ATTACH,
    MANAGED,
    NOW,
    ONBOARD,
    STATE,
    UNIT,
    WANTS,
    HostFolder,
    codes,
    found,
    unknown,
)

TENANT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
MAC_JOB = "/Library/LaunchDaemons/com.microsoft.fresno.plist"
NO_LICENCE: dict[str, Any] = {
    "licensed": False,
    "healthy": False,
    "healthIssues": ["missing license"],
}
HEALTH_TEXT = """\
ATTENTION: No license found. Contact your administrator for help.
healthy                                     : false
health_issues                               : ["missing license"]
licensed                                    : false
app_version                                 : "101.25082.0003"
org_id                                      : "{tenant}"
product_expiration                          : {expires}
real_time_protection_enabled                : true
passive_mode_enabled                        : false
"""


def milliseconds(ahead: timedelta) -> str:
    """A moment as JSON health shows it."""
    return str(int((NOW + ahead).timestamp() * 1000))


def printed(ahead: timedelta) -> str:
    """A moment as the text form of health shows it."""
    return f"{NOW + ahead:%b %d, %Y at %I:%M:%S %p}"


def snapshot(host: HostFolder) -> Snapshot:
    """What was read from a recorded host."""
    return take(RecordedHost(str(host.root)), Plan())


def judged(seen: Snapshot) -> Report:
    """The report on a snapshot that was changed by hand."""
    return report(seen, Config(), catalogue.load(), tuple(rules.load().values()), NOW)


def only(told: Report, code: str) -> Finding:
    """The one finding of a code."""
    (finding,) = found(told, code)
    return finding


# --- agent-missing ------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_host_without_any_trace_of_the_agent_is_a_finding(
    host: HostFolder, mac: HostFolder, platform: str
) -> None:
    """No program, no health and no file of MDE: high, on either platform."""
    told = (host if platform == "linux" else mac).report()
    finding = only(told, "agent-missing")
    assert (finding.severity, finding.subject, finding.facts) == (Severity.HIGH, "agent", {})


def test_a_missing_agent_is_the_only_thing_to_say_about_it(host: HostFolder) -> None:
    """What needs an agent to be judged is neither found nor called unknown."""
    told = host.report()
    assert codes(told) == ["agent-missing"]
    assert told.unknown == ()


@pytest.mark.parametrize("path", [MANAGED, ATTACH, STATE, UNIT, ONBOARD])
def test_any_file_of_the_agent_makes_its_absence_unknown(host: HostFolder, path: str) -> None:
    """A recorded host that holds a file of MDE and no health is not known to lack the agent."""
    told = host.file(path, {}).report()
    assert told.agent.state == "unknown"
    assert found(told, "agent-missing") == found(told, "agent-unreachable") == []
    assert "agent-unreachable" in unknown(told)


def test_an_agent_that_answers_is_not_missing(host: HostFolder) -> None:
    """Health is proof enough, whatever else was recorded."""
    assert codes(host.health().report()) == []


# --- agent-unreachable --------------------------------------------------------------------------


def test_health_that_fails_is_a_finding(host: HostFolder) -> None:
    """A command that ends with an error: the daemon does not answer. High."""
    told = host.command("health-json", "", exit=1, stderr="cannot connect").report()
    finding = only(told, "agent-unreachable")
    assert (finding.severity, finding.subject) == (Severity.HIGH, "agent")
    assert finding.facts == {"daemon": "not to be seen"}
    assert found(told, "agent-missing") == []


@pytest.mark.parametrize(
    ("names", "daemon"),
    [
        ([], "not running"),
        (["sensecm"], "not running"),
        (["wdavdaemon"], "running"),
        (["wdavdaemon", "sensecm"], "running"),
    ],
)
def test_the_list_of_processes_says_whether_the_daemon_runs(
    host: HostFolder, names: list[str], daemon: str
) -> None:
    """A run of sensecm is not the daemon."""
    host.about(processes=[{"pid": 10 + i, "name": name} for i, name in enumerate(names)])
    told = host.command("health-json", "", exit=1, stderr="cannot connect").report()
    assert only(told, "agent-unreachable").facts == {"daemon": daemon}


def test_either_form_of_health_is_an_answer(host: HostFolder) -> None:
    """Older agents do not know the JSON form: the text form answers for them."""
    host.command("health-json", "", exit=1, stderr="unknown option")
    host.command("health-text", HEALTH_TEXT.format(tenant=TENANT, expires=printed(200 * DAY)))
    assert found(host.report(), "agent-unreachable") == []


@pytest.mark.parametrize(
    ("stdout", "exit", "stderr"),
    [
        ("what is this", 0, ""),
        ("", 0, ""),
        ("", 1, "permission denied"),
        ("", 1, "run this with sudo"),
    ],
)
def test_health_that_cannot_be_read_is_unknown(
    host: HostFolder, stdout: str, exit: int, stderr: str
) -> None:
    """What is not understood, or refused to the inspector, is neither bad nor good."""
    told = host.command("health-json", stdout, exit=exit, stderr=stderr).report()
    assert told.agent.state == "unknown"
    assert found(told, "agent-unreachable") == []
    (because,) = {u.because for u in told.unknown if u.code == "agent-unreachable"}
    assert because.startswith("cannot ")


def test_a_call_that_hangs_is_unknown(host: HostFolder) -> None:
    """`mdatp health` can hang under load: that is not a stopped daemon."""
    seen = snapshot(host.file(UNIT, ""))
    hung = replace(seen["health"], state="broken", kind="timeout", reason="cannot wait: 30 s")
    told = judged(replace(seen, readings={**seen.readings, "health": hung}))
    assert codes(told, Severity.HIGH) == []
    assert "agent-unreachable" in unknown(told)


# --- agent-not-onboarded ------------------------------------------------------------------------


@pytest.mark.parametrize("org_id", ["", "unavailable", "null", None, "org unavailable"])
def test_a_host_without_a_tenant_is_a_finding(host: HostFolder, org_id: str | None) -> None:
    """Licensed false: high, with what is known of the tenant; and unhealthy is not told again."""
    told = host.health(**NO_LICENCE, orgId=org_id).report()
    finding = only(told, "agent-not-onboarded")
    assert (finding.severity, finding.subject) == (Severity.HIGH, "agent")
    assert finding.facts == {"tenant": False, "onboarding_file": None}
    assert found(told, "agent-unhealthy") == []


def test_an_offboarded_host_still_has_its_file(host: HostFolder) -> None:
    """The finding names the onboarding file that did not help."""
    host.file(ONBOARD, {"orgId": TENANT})
    told = host.health(**NO_LICENCE, orgId="").report()
    facts = only(told, "agent-not-onboarded").facts
    assert facts == {"tenant": False, "onboarding_file": ONBOARD}


def test_no_id_of_a_tenant_gets_out(host: HostFolder) -> None:
    """The finding says whether there is a tenant, never which."""
    host.file(ONBOARD, {"orgId": TENANT})
    told = host.health(**NO_LICENCE).report()
    assert only(told, "agent-not-onboarded").facts["tenant"] is True
    assert TENANT not in str(found(told, "agent-not-onboarded"))


@pytest.mark.parametrize("proof", ["org_id", "file"])
def test_an_expired_build_explains_a_missing_licence(host: HostFolder, proof: str) -> None:
    """An onboarded host whose build expired is expired, and nothing else is told."""
    if proof == "file":
        host.file(ONBOARD, {"orgId": TENANT})
    org_id = TENANT if proof == "org_id" else ""
    told = host.health(**NO_LICENCE, orgId=org_id, productExpiration=milliseconds(-DAY)).report()
    assert codes(told, Severity.MEDIUM) == ["product-expired"]


def test_an_expired_build_does_not_explain_a_host_that_was_never_onboarded(
    host: HostFolder,
) -> None:
    """Without any sign of a tenant both hold."""
    told = host.health(**NO_LICENCE, orgId="", productExpiration=milliseconds(-DAY)).report()
    assert codes(told, Severity.HIGH) == ["agent-not-onboarded", "product-expired"]


def test_a_build_that_may_have_expired_leaves_onboarding_unknown(host: HostFolder) -> None:
    """A text date within the zones of the Earth decides nothing; unhealthy is still told."""
    text = HEALTH_TEXT.format(tenant=TENANT, expires=printed(-HOUR))
    told = host.command("health-text", text).report()
    assert found(told, "agent-not-onboarded") == found(told, "product-expired") == []
    assert {"agent-not-onboarded", "product-expired"} <= set(unknown(told))
    assert only(told, "agent-unhealthy").facts == {"health_issues": ["missing license"]}


def test_a_date_that_is_not_shown_excuses_nobody(host: HostFolder) -> None:
    """Without any date of expiry a missing licence is a missing licence."""
    told = host.health(**NO_LICENCE, without=["productExpiration"]).report()
    assert len(found(told, "agent-not-onboarded")) == 1


@pytest.mark.parametrize("licensed", [None, "unavailable", "perhaps"])
def test_an_unknown_licence_is_unknown(host: HostFolder, licensed: str | None) -> None:
    """Unavailable, null and a word that is none: neither onboarded nor not."""
    told = host.health(licensed=licensed).report()
    assert set(codes(told)) <= {"health-field-lost"}
    assert unknown(told) == ["agent-not-onboarded"]


def test_a_field_that_vanished_is_unknown(host: HostFolder) -> None:
    """Health without the field says nothing of it."""
    told = host.health(without=["licensed", "healthy"]).report()
    assert codes(told) == []
    assert {"agent-not-onboarded", "agent-unhealthy"} <= set(unknown(told))


# --- agent-unhealthy ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issues", "shown"),
    [
        (["no active event provider"], ["no active event provider"]),
        (["b", "a"], ["a", "b"]),
        ([], []),
        (["missing license"], ["missing license"]),
    ],
)
def test_an_agent_that_says_it_is_unhealthy_is_a_finding(
    host: HostFolder, issues: list[str], shown: list[str]
) -> None:
    """High, with the issues verbatim and in a steady order; an empty list excuses nothing."""
    told = host.health(healthy=False, healthIssues=issues).report()
    finding = only(told, "agent-unhealthy")
    assert (finding.severity, finding.subject) == (Severity.HIGH, "agent")
    assert finding.facts == {"health_issues": shown}


@pytest.mark.parametrize("issue", ISSUES)
def test_every_known_issue_is_explained_with_its_remedy(host: HostFolder, issue: str) -> None:
    """In any case; the issue stays verbatim."""
    told = host.health(healthy=False, healthIssues=[issue.capitalize()], orgId="x").report()
    finding = only(told, "agent-unhealthy")
    assert finding.facts == {"health_issues": [issue.capitalize()]}
    assert ISSUES[issue].means in finding.detail
    assert ISSUES[issue].remedy in finding.remedy
    assert "not explained here" not in finding.remedy


def test_an_unknown_issue_is_quoted_and_hides_no_known_one(host: HostFolder) -> None:
    """What is not known is not explained away."""
    issues = ["definitions are tired", "no active event provider"]
    finding = only(host.health(healthy=False, healthIssues=issues).report(), "agent-unhealthy")
    assert "definitions are tired" in finding.title
    assert ISSUES["no active event provider"].remedy in finding.remedy
    assert "not explained here" in finding.remedy


def test_issues_that_are_not_shown_are_null(host: HostFolder) -> None:
    """Agents of 2020 list no issues: absent knowledge is null, never an empty list."""
    told = host.health(healthy=False, without=["healthIssues"]).report()
    assert only(told, "agent-unhealthy").facts == {"health_issues": None}


def test_an_issue_besides_the_licence_is_told(host: HostFolder) -> None:
    """Not onboarded and something else: two findings."""
    issues = ["missing license", "network event provider not running"]
    told = host.health(licensed=False, healthy=False, healthIssues=issues, orgId="").report()
    assert codes(told, Severity.HIGH) == ["agent-not-onboarded", "agent-unhealthy"]


def test_no_issue_at_all_is_not_explained_by_a_missing_tenant(host: HostFolder) -> None:
    """Only the licence, named as the issue, is."""
    told = host.health(licensed=False, healthy=False, healthIssues=[], orgId="").report()
    assert codes(told, Severity.HIGH) == ["agent-not-onboarded", "agent-unhealthy"]


def test_an_issue_besides_the_expiry_is_told(host: HostFolder) -> None:
    """An expired build explains a missing licence and no other issue."""
    told = host.health(
        healthy=False,
        healthIssues=["no active event provider"],
        productExpiration=milliseconds(-DAY),
    ).report()
    assert codes(told, Severity.HIGH) == ["agent-unhealthy", "product-expired"]


def test_a_healthy_agent_is_none(host: HostFolder, mac: HostFolder) -> None:
    """Nothing is found on a healthy host of either platform, and nothing is unknown."""
    for one in (host, mac):
        told = one.health().report()
        assert codes(told) == []
        assert unknown(told) == []


@pytest.mark.parametrize("healthy", [None, "unavailable", "partly"])
def test_unknown_health_is_unknown(host: HostFolder, healthy: str | None) -> None:
    """Neither healthy nor unhealthy."""
    told = host.health(healthy=healthy).report()
    assert set(codes(told)) <= {"health-field-lost"}
    assert unknown(told) == ["agent-unhealthy"]


# --- not-enabled-at-boot ------------------------------------------------------------------------


def test_a_unit_that_nothing_wants_is_a_finding(host: HostFolder) -> None:
    """The unit is there, no target starts it: medium, with the unit as its sign."""
    finding = only(host.health().file(UNIT, "[Unit]\n").report(), "not-enabled-at-boot")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "agent")
    assert finding.facts == {"signs": [UNIT]}


def test_a_masked_unit_is_a_finding(host: HostFolder) -> None:
    """A link to /dev/null outweighs a link that would start it."""
    host.health().enabled_at_boot().link("/etc/systemd/system/mdatp.service", "/dev/null")
    facts = only(host.report(), "not-enabled-at-boot").facts
    assert facts == {"signs": ["/etc/systemd/system/mdatp.service"]}


@pytest.mark.parametrize(
    "link", [WANTS, "/usr/lib/systemd/system/graphical.target.requires/mdatp.service"]
)
def test_a_unit_that_a_target_wants_is_enabled(host: HostFolder, link: str) -> None:
    """Any target will do, wanted or required, of the administrator or of the package."""
    told = host.health().file(UNIT, "[Unit]\n").link(link, UNIT).report()
    assert found(told, "not-enabled-at-boot") == []


def test_a_disabled_job_is_a_finding(mac: HostFolder) -> None:
    """launchd: `Disabled` in the job's own file."""
    told = mac.health().file(MAC_JOB, {"Label": "com.microsoft.fresno", "Disabled": True}).report()
    finding = only(told, "not-enabled-at-boot")
    assert (finding.severity, finding.facts) == (Severity.MEDIUM, {"signs": [MAC_JOB]})


def test_a_job_that_is_not_disabled_is_enabled(mac: HostFolder) -> None:
    """launchd starts what it is not told not to."""
    told = mac.health().file(MAC_JOB, {"Label": "com.microsoft.fresno"}).report()
    assert found(told, "not-enabled-at-boot") == []


def test_a_record_without_any_unit_says_nothing(host: HostFolder) -> None:
    """Whoever recorded the host may have left the unit out: no finding, and no doubt either."""
    told = host.health().report()
    assert "not-enabled-at-boot" not in (*codes(told), *unknown(told))


def test_a_live_host_without_any_unit_is_unknown(host: HostFolder) -> None:
    """On the host itself something starts the agent that is not known here."""
    seen = snapshot(host.health())
    told = judged(replace(seen, host=replace(seen.host, recorded=False)))
    assert found(told, "not-enabled-at-boot") == []
    assert "not-enabled-at-boot" in unknown(told)


def test_a_job_that_cannot_be_read_is_unknown(mac: HostFolder) -> None:
    """A malformed job says neither."""
    told = mac.health().file(MAC_JOB, "no property list").report()
    assert found(told, "not-enabled-at-boot") == []
    assert "not-enabled-at-boot" in unknown(told)


# --- agent-too-old-for-mde-attach ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "version", "minimum"),
    [
        ("linux", "101.23052.0008", "101.23052.0009"),
        ("linux", "101.85.27", "101.23052.0009"),
        ("darwin", "101.23052.0003", "101.23052.0004"),
    ],
)
def test_an_attached_agent_below_the_minimum_is_a_finding(
    host: HostFolder, mac: HostFolder, platform: str, version: str, minimum: str
) -> None:
    """Medium, by the minimum of the platform."""
    one = host if platform == "linux" else mac
    told = one.health(appVersion=version, managedBy="MDE").report()
    finding = only(told, "agent-too-old-for-mde-attach")
    assert (finding.severity, finding.subject) == (Severity.MEDIUM, "agent")
    assert finding.facts == {"version": version, "minimum": minimum}


@pytest.mark.parametrize(
    ("platform", "version"), [("linux", "101.23052.0009"), ("darwin", "101.23052.0004")]
)
def test_the_minimum_itself_is_new_enough(
    host: HostFolder, mac: HostFolder, platform: str, version: str
) -> None:
    """At the boundary the agent is supported."""
    one = host if platform == "linux" else mac
    told = one.health(appVersion=version, managedBy="MDE").report()
    assert "agent-too-old-for-mde-attach" not in (*codes(told), *unknown(told))


def test_an_old_agent_that_is_not_attached_is_none(host: HostFolder) -> None:
    """The minimum is one of MDE Attach alone."""
    told = host.health(appVersion="101.85.27").file(MANAGED, {}).report()
    assert "agent-too-old-for-mde-attach" not in (*codes(told), *unknown(told))


def test_an_attached_agent_of_unknown_version_is_unknown(mac: HostFolder) -> None:
    """Neither too old nor new enough."""
    told = mac.health(appVersion=None).file(MAC_ATTACH, {}).report()
    assert found(told, "agent-too-old-for-mde-attach") == []
    assert "agent-too-old-for-mde-attach" in unknown(told)
