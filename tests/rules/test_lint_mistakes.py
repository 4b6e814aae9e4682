"""Every mistake that real policy files are known to have, and the clean files that have none."""

from __future__ import annotations

import json
import plistlib
from pathlib import Path
from typing import Any

import pytest
from about_files import only
from clean_policies import linux, mac
from lint_support import run, written

ENGINE = "antivirusEngine"
EXCLUSIONS = f"{ENGINE}.exclusions"
ENTRY = {"$type": "excludedPath", "path": "/srv/app", "isDirectory": True}
EICAR = "EICAR-Test-File (not a virus)"


def _excluded(**more: Any) -> dict[str, Any]:
    return only(EXCLUSIONS, [{**ENTRY, **more}])


# What is wrong, the file, and the finding: the code, and for keys the subject.
MISTAKES: dict[str, tuple[Any, str, str | None]] = {
    "a byte order mark": (b"\xef\xbb\xbf{}", "odd-policy-file", None),
    "only a comment": ("// Just a place holder\n", "policy-malformed", None),
    "nothing": ("", "policy-malformed", None),
    "a missing comma": (
        '{"cloudService": {\n"enabled": true\n"proxy": ""}}',
        "policy-malformed",
        None,
    ),
    "Jinja that does not parse": ('{"edr": {{ edr | to_json }}}', "policy-malformed", None),
    "a loop of Jinja": ('{"edr": {\n{% for x in y %}\n}}', "policy-malformed", None),
    "ERB that does not parse": ('{"edr": <%= @edr %>}', "policy-malformed", None),
    "Jinja that parses": (
        only(f"{ENGINE}.enforcementLevel", "{{ level }}"),
        "unrendered-template",
        f"{ENGINE}.enforcementLevel",
    ),
    "a type escaped for a shell": (
        '{"antivirusEngine": {"exclusions": [{"\\$type": "excludedPath", "path": "/srv"}]}}',
        "policy-malformed",
        None,
    ),
    "a type escaped twice": (
        only(EXCLUSIONS, [{"\\$type": "excludedPath", "path": "/srv/a"}]),
        "unrendered-template",
        rf"{EXCLUSIONS}.\$type",
    ),
    "a type that a shell expanded": (
        only(EXCLUSIONS, [{"": "excludedPath", "path": "/srv/a"}]),
        "unrendered-template",
        f'{EXCLUSIONS}.""',
    ),
    "a repeated key": (
        '{"edr": {"groupIds": "a", "groupIds": "b"}}',
        "duplicate-key",
        "edr.groupIds",
    ),
    "a repeated comment": ('{"info": "a", "info": "b"}', "duplicate-key", "info"),
    "a comment as a key": ({"info": "a"}, "unknown-key", "info"),
    "possible values": ({"edr": {"possible values": "a"}}, "unknown-key", "edr.possible values"),
    "a number as a text": (
        only("scheduledScan.randomizeScanStartTime", "3"),
        "wrong-type",
        "scheduledScan.randomizeScanStartTime",
    ),
    "a boolean as a word": (
        only(f"{ENGINE}.enableFileHashComputation", "disabled"),
        "wrong-type",
        f"{ENGINE}.enableFileHashComputation",
    ),
    "a section as a word": ({"cloudService": "prod"}, "wrong-type", "cloudService"),
    "a joined list": (
        only(f"{ENGINE}.unmonitoredFilesystems", ["nfs,fuse"]),
        "wrong-type",
        f"{ENGINE}.unmonitoredFilesystems",
    ),
    "retention at the top": (
        {"scanResultsRetentionDays": 90},
        "misplaced-key",
        "scanResultsRetentionDays",
    ),
    "behaviour monitoring at the top": (
        {"behaviorMonitoring": "enabled"},
        "misplaced-key",
        "behaviorMonitoring",
    ),
    "a comment in an exclusion": (
        _excluded(comment="why"),
        "unknown-key",
        f"{EXCLUSIONS}.comment",
    ),
    "a type that does not exist": (
        only(EXCLUSIONS, [{"$type": "folder", "path": "/srv/a"}]),
        "value-not-allowed",
        f"{EXCLUSIONS}#$type:folder",
    ),
    "an example left in": (
        _excluded(path="/home/*/git<EXAMPLE DO NOT USE>"),
        "example-left-over",
        f"{EXCLUSIONS}#excludedPath:/home/*/git<EXAMPLE DO NOT USE>",
    ),
    "a test file allowed": (
        only(f"{ENGINE}.allowedThreats", [EICAR]),
        "allowed-threats",
        f"{ENGINE}.allowedThreats#{EICAR}",
    ),
    "old and new keys": (
        {ENGINE: {"passiveMode": False, "enforcementLevel": "real_time"}},
        "old-and-new-keys",
        f"{ENGINE}.enforcementLevel",
    ),
    "offlineDefintion": (
        only(f"{ENGINE}.offlineDefintionUpdateFallbackToCloud", True),
        "unknown-key",
        f"{ENGINE}.offlineDefintionUpdateFallbackToCloud",
    ),
    "defintionUpdatesInterval": (
        only("cloudService.defintionUpdatesInterval", 28800),
        "unknown-key",
        "cloudService.defintionUpdatesInterval",
    ),
    "diabled": (
        only(f"{ENGINE}.behaviorMonitoring", "diabled"),
        "value-not-allowed",
        f"{ENGINE}.behaviorMonitoring",
    ),
    "a proxy of nothing": (only("cloudService.proxy", ""), "empty-setting", "cloudService.proxy"),
    "a profile of nothing": (
        plistlib.dumps({"PayloadType": "Configuration", "PayloadContent": []}),
        "odd-policy-file",
        None,
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_known_mistake_is_found_and_nothing_else(tmp_path: Path, name: str) -> None:
    """One cause, one finding; but a repeated comment is a comment as well."""
    content, code, subject = MISTAKES[name]
    path = written(tmp_path, content)
    ran = run(path, "--json", "--fail-on", "info")
    expected = {(code, f"file:{path}" if subject is None else subject)}
    also = {("unknown-key", "info")} if name == "a repeated comment" else set()
    assert (ran.code, ran.found()) == (1, expected | also)


@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("only a comment", 1, "comment"),
        ("a missing comma", 3, "comma"),
        ("Jinja that does not parse", 1, "template"),
        ("a loop of Jinja", 2, "template"),
        ("ERB that does not parse", 1, "template"),
        ("a type escaped for a shell", 1, "backslash"),
        ("nothing", None, "nothing in it"),
    ],
)
def test_a_file_that_does_not_parse_says_why_and_where(
    tmp_path: Path, name: str, line: int | None, words: str
) -> None:
    """In the words of the mistake that was made, not of the parser."""
    (finding,) = run(written(tmp_path, MISTAKES[name][0]), "--json").json["findings"]
    assert finding["line"] == line
    assert words in finding["facts"]["reason"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<plist><dict>\n<% if @x %><key>edr</key><dict/><% end %></dict></plist>", 2),
        ('<plist version="1.0"><dict>\n<key>edr</key><%= @edr %></dict></plist>', 2),
        ("<plist><dict>\n{% if x %}<key>edr</key><dict/>{% endif %}</dict></plist>", 2),
        ("<plist><dict><key>edr</key>\n{{ edr | to_plist }}</dict></plist>", 2),
    ],
)
def test_a_template_of_a_profile_is_called_one(tmp_path: Path, text: str, line: int) -> None:
    """Its marks look like tags."""
    path = written(tmp_path, '<?xml version="1.0"?>' + text, "p.mobileconfig")
    (finding,) = run(path, "--json").json["findings"]
    assert (finding["code"], finding["line"]) == ("policy-malformed", line)
    assert "template" in finding["facts"]["reason"]


# --- clean files --------------------------------------------------------------------------------

RECOMMENDED_LINUX = {
    ENGINE: {
        "enforcementLevel": "real_time",
        "behaviorMonitoring": "enabled",
        "threatTypeSettings": [
            {"key": "potentially_unwanted_application", "value": "block"},
            {"key": "archive_bomb", "value": "audit"},
        ],
    },
    "cloudService": {
        "automaticDefinitionUpdateEnabled": True,
        "automaticSampleSubmissionConsent": "safe",
        "enabled": True,
        "proxy": "http://proxy.example.net:3128/",
    },
}
RECOMMENDED_MAC = {
    ENGINE: {
        "enforcementLevel": "real_time",
        "threatTypeSettings": RECOMMENDED_LINUX[ENGINE]["threatTypeSettings"],
    },
    "cloudService": {"enabled": True, "automaticSampleSubmissionConsent": "safe"},
    "features": {"behaviorMonitoring": "enabled"},
    "networkProtection": {"enforcementLevel": "block"},
    "tamperProtection": {"enforcementLevel": "block"},
    "userInterface": {"hideStatusMenuIcon": False},
}
NEWEST = ("--for-version", "101.26082.0001")


@pytest.mark.parametrize("options", [(), NEWEST], ids=["any version", "newest"])
@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (RECOMMENDED_LINUX, "mdatp_managed.json"),
        (linux(), "mdatp_managed.json"),
        (RECOMMENDED_MAC, "com.microsoft.wdav.plist"),
        (mac(), "com.microsoft.wdav.plist"),
    ],
    ids=["recommended linux", "whole linux", "recommended mac", "whole mac"],
)
def test_a_clean_file_raises_nothing_at_all(
    tmp_path: Path, policy: Any, name: str, options: tuple[str, ...]
) -> None:
    """Not even an info, on either platform."""
    data = plistlib.dumps(policy) if name.endswith(".plist") else json.dumps(policy).encode()
    ran = run(written(tmp_path, data, name), "--json", "--fail-on", "info", *options)
    assert (ran.code, ran.found(), ran.json["cannot_tell"]) == (0, set(), [])
    if options:
        assert ran.json["unknown"] == []
