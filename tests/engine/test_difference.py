"""What changed between two policies: every key, and nothing that must not travel."""

from __future__ import annotations

import json
from typing import Any

import pytest
from engine_support import CATALOGUE
from hypothesis import given, settings
from hypothesis import strategies as st

from mdeinspect.difference import MORE, SHOWN, Difference, difference, flatten, hide
from mdeinspect.privacy import digest

PATH = {"$type": "excludedPath", "isDirectory": True, "path": "/srv"}
OTHER = {"$type": "excludedPath", "isDirectory": True, "path": "/opt"}


def differ(old: Any, new: Any, *redacted: str) -> Difference:
    return difference(old, new, "linux", CATALOGUE, redacted)


def exclusions(*items: Any) -> dict[str, Any]:
    return {"antivirusEngine": {"exclusions": list(items)}}


@pytest.mark.parametrize(
    ("old", "new", "added", "changed", "removed"),
    [
        (
            {"cloudService": {"enabled": True}},
            {"cloudService": {"enabled": False}},
            {},
            {"cloudService.enabled": (True, False)},
            {},
        ),
        (
            {},
            {"cloudService": {"enabled": True}},
            {"cloudService.enabled": True},
            {},
            {},
        ),
        (
            {"cloudService": {"enabled": True}},
            {"cloudService": {}},
            {"cloudService": {}},
            {},
            {"cloudService.enabled": True},
        ),
        (
            {"cloudService": {"enabled": True}},
            {"cloudService": {"enabled": 1}},
            {},
            {"cloudService.enabled": (True, 1)},
            {},
        ),
        (
            exclusions(PATH),
            exclusions(OTHER, PATH),
            {"antivirusEngine.exclusions#excludedPath:/opt": OTHER},
            {},
            {},
        ),
        (
            exclusions(PATH),
            exclusions({**PATH, "isDirectory": False}),
            {},
            {
                "antivirusEngine.exclusions#excludedPath:/srv": (
                    PATH,
                    {**PATH, "isDirectory": False},
                )
            },
            {},
        ),
        (
            {"edr": {"tags": [{"key": "GROUP", "value": "a"}]}},
            {"edr": {"tags": [{"key": "GROUP", "value": "b"}]}},
            {},
            {
                "edr.tags#GROUP": (
                    {"key": "GROUP", "value": "a"},
                    {"key": "GROUP", "value": "b"},
                )
            },
            {},
        ),
        (
            {"antivirusEngine": {"threatTypeSettings": [{"key": "archive_bomb", "value": "off"}]}},
            {"antivirusEngine": {"threatTypeSettings": []}},
            {"antivirusEngine.threatTypeSettings": []},
            {},
            {
                "antivirusEngine.threatTypeSettings#archive_bomb": {
                    "key": "archive_bomb",
                    "value": "off",
                }
            },
        ),
        (
            {"antivirusEngine": {"allowedThreats": ["A", "B"]}},
            {"antivirusEngine": {"allowedThreats": ["B", "C", "C"]}},
            {
                "antivirusEngine.allowedThreats#C": "C",
                "antivirusEngine.allowedThreats#C (2)": "C",
            },
            {},
            {"antivirusEngine.allowedThreats#A": "A"},
        ),
        (
            {"a.b": 1},
            {"a": {"b": 1}},
            {"a.b": digest(1)},
            {},
            {'"a.b"': digest(1)},
        ),
    ],
)
def test_every_change_has_its_place(
    old: Any, new: Any, added: Any, changed: Any, removed: Any
) -> None:
    found = differ(old, new)
    assert (found.added, found.changed, found.removed) == (added, changed, removed)
    assert found.kind == "values"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (exclusions(PATH, OTHER), exclusions(OTHER, PATH)),
        ({}, {}),
    ],
)
def test_what_means_the_same_is_a_change_of_form_alone(old: Any, new: Any) -> None:
    assert differ(old, new) == Difference(kind="form")


def test_user_info_of_urls_is_masked_and_its_change_is_one_of_values() -> None:
    old, new = (
        {"cloudService": {"proxy": f"http://joe:{word}@proxy:80"}} for word in ("one", "two")
    )
    found = differ(old, new)
    assert found.kind == "values"
    assert found.changed == {}
    assert differ({}, new).added == {"cloudService.proxy": "http://***@proxy:80"}


def test_values_of_keys_that_are_not_known_are_digests() -> None:
    found = differ({}, {"mine": {"token": "secret"}, "list": ["secret"]})
    assert found.added == {
        "mine.token": digest("secret"),
        f"list#{digest('secret')}": digest("secret"),
    }
    odd = exclusions({**PATH, "note": "secret"})
    assert "secret" not in json.dumps(differ({}, odd).data())


def test_what_is_private_is_a_digest_in_name_and_value_and_still_told_apart() -> None:
    found = differ(exclusions(PATH), exclusions(PATH, OTHER), "exclusions")
    name = f"antivirusEngine.exclusions#excludedPath:{digest('/opt')}"
    assert found.added == {name: {**OTHER, "path": digest("/opt")}}
    assert found.changed == found.removed == {}


@pytest.mark.parametrize(
    "policy",
    [
        exclusions(PATH, {"$type": "excludedFileName", "name": "a:b"}),
        {"edr": {"tags": [{"key": "GROUP", "value": "vault"}], "groupIds": "x"}},
    ],
)
def test_what_was_remembered_in_clear_is_hidden_as_if_it_had_always_been(policy: Any) -> None:
    private = ("exclusions", "tags")
    hidden = hide(flatten(policy, "linux", CATALOGUE), "linux", CATALOGUE, private)
    assert hidden == flatten(policy, "linux", CATALOGUE, private)


def test_only_what_policy_can_set_counts_in_local_settings() -> None:
    local = {"cloudService": {"enabled": True, "retryCount": 3, "definitionUpdateDue": 9}}
    assert flatten(local, "linux", CATALOGUE, known_only=True) == {"cloudService.enabled": True}


def test_long_texts_and_huge_policies_are_cut_and_still_differ() -> None:
    long = {"antivirusEngine": {"enforcementLevel": "x" * 5000}}
    assert flatten(long, "linux", CATALOGUE) == {
        "antivirusEngine.enforcementLevel": digest("x" * 5000)
    }
    huge = {f"k{number}": number for number in range(10_050)}
    found = differ(huge, {**huge, "k10049": 0})
    assert list(found.changed) == [MORE]


def test_an_event_shows_so_many_and_counts_the_rest() -> None:
    found = differ({}, {f"k{number}": number for number in range(SHOWN + 5)}).data()
    assert len(found["added"]) == SHOWN
    assert found["more"] == 5


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
keys = st.sampled_from(["cloudService", "enabled", "exclusions", "antivirusEngine", "a.b", ""]) | (
    st.text(max_size=4)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
documents = st.dictionaries(keys, values, max_size=5)
private = st.sampled_from([(), ("exclusions",), ("tags", "ids")])


@given(documents, documents, private)
@settings(deadline=None)
def test_a_difference_applied_to_the_old_gives_the_new(old: Any, new: Any, redacted: Any) -> None:
    before, after = (flatten(one, "linux", CATALOGUE, redacted) for one in (old, new))
    found = difference(old, new, "linux", CATALOGUE, redacted)
    applied = {key: value for key, value in before.items() if key not in found.removed}
    applied.update(found.added)
    applied.update({key: value for key, (_, value) in found.changed.items()})
    assert applied == after
    assert json.loads(json.dumps(found.data(), allow_nan=False)) is not None


@given(documents)
@settings(deadline=None)
def test_nothing_differs_from_itself(policy: Any) -> None:
    assert difference(policy, policy, "linux", CATALOGUE) == Difference(kind="form")
