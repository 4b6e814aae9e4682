"""What must not travel, and how long it takes to see to that."""

from __future__ import annotations

import time

import pytest

from mdeinspect.privacy import mask

SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"http://user:{SECRET}@proxy:8080/",
        f"HTTP://user:{SECRET}@proxy",
        f"http://{SECRET}@proxy",
        f"http://user:a@{SECRET}@proxy",
        f"http://user:a/{SECRET}@proxy",
        f"http://user:a?{SECRET}#@proxy",
        f"http://user:{SECRET} and more@proxy",
        f"http://user:{SECRET}\n@proxy",
        f"user:{SECRET}@proxy:8080",
        f"//user:{SECRET}@proxy",
        f"http:/user:{SECRET}@proxy",
        f"http:\\\\user:{SECRET}@proxy",
        f"http=user:{SECRET}@proxy;https=user:{SECRET}@proxy",
        f"see http://user:{SECRET}@a, //user:{SECRET}@b and user:{SECRET}@c",
        f"http://a/?next=http://user:{SECRET}@b",
    ],
)
def test_user_info_is_masked_however_it_is_spelt(text: str) -> None:
    """Also with the wrong slashes, without a scheme, and with what a password must not hold."""
    assert SECRET not in mask(text)
    assert SECRET not in str(mask({text: [text, {"deep": text}]}))
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "/srv/mail@example.com",
        "/srv/a:b@c",
        "/srv//a@b",
        "someone@example.com",
        "http://host/path@version",
        "http://proxy:8080 is down, ask someone@example.com",
        "GROUP/a@b",
    ],
)
def test_what_holds_no_user_info_stays_as_it_is(text: str) -> None:
    """Paths, addresses and prose are told verbatim."""
    assert mask(text) == text


@pytest.mark.parametrize(
    "piece",
    ["y", "a://b:", "=a:x", "//a:", " a:b", ":", "/", "\\", ":\\", "a:b@", "@", "=", "a@b;"],
)
@pytest.mark.parametrize(("before", "after"), [("@", ""), ("", "@"), ("http://a:", "@!")])
def test_masking_takes_time_in_proportion_to_the_text(piece: str, before: str, after: str) -> None:
    """A hostile policy file of a few megabytes does not hang the inspector."""
    started = time.perf_counter()
    mask(before + piece * (200_000 // len(piece)) + after)
    assert time.perf_counter() - started < 5
