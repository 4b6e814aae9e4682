"""What the portal's enrolment codes of security settings management mean, in words of our own.

Microsoft documents them for the registry of Windows; that the portal shows the same numbers for
Linux and macOS is assumed. No copy of a code on a Linux or macOS host is known, so no rule goes by
them: they are for people who read one in the portal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mdeinspect.catalogue.preference import Grade

PREFIX: Final = "enrolment-"
GENERAL: Final = (
    "Go through the prerequisites (agent version, licence, *.dm.microsoft.com, both portals' "
    "enforcement scope), run the client analyzer, and take its output to Microsoft's support."
)
HYBRID: Final = "It is about Windows devices in a domain, and makes no sense for Linux or macOS."
SUCCESS: Final = frozenset({1, 19, 34, 35, 39, 43})
UNDECIDED: Final = frozenset({0, 2, 3, 4, 21, 22, 23})


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One code: what it means, what to do, how sure that is, and where sources differ."""

    code: int
    means: str
    remedy: str
    grade: Grade
    differs: str | None = None

    @property
    def status(self) -> str:
        """What the portal's programming interface makes of it (known from one source)."""
        if self.code in SUCCESS:
            return "Success"
        return "Unknown" if self.code in UNDECIDED else "Error"


def find(code: int) -> Enrolment | None:
    """What is known of a code; None where no source has it."""
    return _BY_CODE.get(code)


def codes() -> tuple[int, ...]:
    """Every code that is known, in order."""
    return tuple(sorted(_BY_CODE))


def parse(topic: str) -> int | None:
    """The number in `enrolment-15`; None for any other word."""
    head, found, digits = topic.strip().lower().partition(PREFIX)
    number = digits if found and not head else ""
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else None


def _all(
    numbers: tuple[int, ...], means: str, remedy: str, differs: str | None = None
) -> list[Enrolment]:
    return [Enrolment(one, means, remedy, "ASSUMED", differs) for one in numbers]


_INCOMPLETE: Final = "the Windows analyzer says that its state in Entra is incomplete"
_EVERY: Final = (
    *_all((1,), "Enrolled, in Entra and in Intune.", "Nothing is to be done."),
    *_all(
        (2,),
        "Not enrolled, and never was.",
        "Switch management by Defender on in both portals, and put the device into its scope.",
    ),
    *_all(
        (3,),
        "Managed by an agent of MDM (Intune), so not by this channel.",
        "Nothing is to be done: a device that is enrolled in Intune does not process it.",
    ),
    *_all(
        (4,),
        "Managed by Configuration Manager.",
        "Switch its control over security settings off, if the portal is to manage the device.",
    ),
    *_all((5, 6, 7, 9, 11, 12), "An error without further words.", GENERAL),
    *_all((8, 44), "Intune is not set up for it.", "Switch the feature on in Intune."),
    *_all((10, 42), f"The hybrid join failed. {HYBRID}", GENERAL),
    *_all(
        (13,),
        "It could not reach what it needs.",
        "Open the way to the addresses of Entra and Intune, *.dm.microsoft.com among them, the "
        "proxy included.",
        "the Windows analyzer says that it is in Entra and not in Intune",
    ),
    *_all(
        (14,),
        "It could not reach what it needs.",
        "Open the way to the addresses of Entra and Intune, the proxy included.",
        "the Windows analyzer says that it failed to register and to enrol",
    ),
    *_all(
        (15,),
        "The tenant of Defender is another one than that of Entra.",
        "Check to which tenant the device was onboarded (`mdeinspect explain tenant-mismatch`), "
        "and in which it is registered; leave the wrong one.",
    ),
    *_all(
        (16, 17),
        f"The service connection point of the domain is wrong. {HYBRID}",
        GENERAL,
    ),
    *_all(
        (18,),
        "An error of its certificate, which may be of another tenant.",
        "Check to which tenant the device belongs; offboard and onboard it again.",
        "the Windows analyzer says that the device is not found in Entra",
    ),
    *_all(
        (20, 24),
        "It could not reach what it needs.",
        "Open the way to the addresses of Entra and Intune, the proxy included.",
    ),
    *_all(
        (21, 22),
        "Another authority manages the device.",
        "Decide which of the two is to manage it.",
        "which authority (Intune for 21, Configuration Manager for 22) is told by one source only",
    ),
    *_all(
        (23,),
        "It was enrolled, and is not any more.",
        "Look in both portals who removed it; put it into the scope again.",
    ),
    *_all(
        (25,),
        "It could not reach what it needs.",
        "Open the way to the addresses of Entra and Intune, the proxy included.",
        "the Windows analyzer says that Configuration Manager manages it",
    ),
    *_all(tuple(range(26, 33)), "An error without further words.", GENERAL, _INCOMPLETE),
    *_all((33,), "An error without further words.", GENERAL),
    *_all(
        (36,),
        f"Entra Connect is not set up right. {HYBRID}",
        GENERAL,
        "the Windows analyzer speaks of an error of Entra's LDAP interface",
    ),
    *_all(
        (37,),
        f"Entra Connect is not set up right. {HYBRID}",
        GENERAL,
        "the Windows analyzer says that the device was not synchronised",
    ),
    *_all(
        (38,),
        "Names could not be resolved.",
        "Check the name servers of the device and of its proxy.",
        "the Windows analyzer speaks of the way to the domain",
    ),
    *_all(
        (40,),
        "The clock of the device is not right.",
        "Set it by NTP (chrony, systemd-timesyncd, timed), then use Policy sync in the portal.",
    ),
    *_all(
        (41,),
        "Names could not be resolved.",
        "Check the name servers of the device and of its proxy.",
    ),
    *_all(
        (43,),
        "Defender and Configuration Manager both manage it.",
        "Choose one of them for security settings.",
    ),
    *(
        Enrolment(one, "It succeeded.", "Nothing is to be done.", "ONE SOURCE")
        for one in (19, 34, 35, 39)
    ),
    Enrolment(
        46,
        "Its token is missing or was refused.",
        "Offboard the device and onboard it again.",
        "ONE SOURCE",
    ),
)
_BY_CODE: Final = {one.code: one for one in _EVERY}
