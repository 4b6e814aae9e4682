"""Do exclusions and allowed threats leave gaps that nobody would want?"""

from __future__ import annotations

from collections.abc import Iterator

from mdeinspect.documents import Path
from mdeinspect.model import Severity
from mdeinspect.resolve import GLOBAL_EXCLUSIONS
from mdeinspect.rules import Context, Outcome, rule
from mdeinspect.rules._breadth import VALUE_OF, too_broad
from mdeinspect.rules._entries import entries, name
from mdeinspect.rules._files import Flaw, files, judge, lookup, shortened, written

ALLOWED = "antivirusEngine.allowedThreats"
EXAMPLE = "EXAMPLE DO NOT USE"
EICAR = "EICAR"


@rule(
    "broad-exclusion",
    Severity.HIGH,
    title="{excluded} is excluded from protection ({reason})",
    detail="{file} ({channel}) has an exclusion of type {kind} for {excluded}.",
    remedy="Exclude the folder, the file or the process of the one product that needs it, by its "
    "full path; measure first with `mdatp diagnostic real-time-protection-statistics`.",
    means="The exclusion covers a whole tree of the system, everybody's home, a folder that every "
    "user can write to, a shell, an interpreter or a tool that does what its caller says, or a "
    "type of file that malware comes as. /proc, /sys and plain data (log, cnf, sql) are not "
    "counted. It is graded medium where a folder is written as a single file, and for a product's "
    "own copy of an interpreter.",
    matters="Intruders read exclusions first and then work inside them.",
    lint=True,
)
def broad_exclusion(context: Context) -> Iterator[Outcome]:
    """One finding for each entry; the local file's count unless policy forbids them."""
    yield from judge(context, _broad(context))


def _broad(context: Context) -> Iterator[Flaw]:
    for file, key, index, entry in entries(context, files(context)):
        broad = too_broad(entry, context.platform)
        if broad is not None:
            severity = Severity.MEDIUM if broad.narrow else Severity.HIGH
            kind, value = entry["$type"], shortened(entry[VALUE_OF[entry["$type"]]])
            facts = {"reason": broad.reason, "kind": kind, "excluded": value}
            path: Path = (*key.split("."), index)
            yield Flaw(file, path, severity, facts, name(entry))


@rule(
    "accidentally-global-exclusion",
    Severity.MEDIUM,
    title="{subject} is excluded everywhere, for want of scopes",
    detail="{file} ({channel}) has this entry without scopes, which counts as global.",
    remedy='Write "scopes": ["epp"] to exclude it from antivirus scans only, or "scopes": '
    '["global"] to say that it is meant so.',
    means="An entry of exclusionSettings.exclusions says nothing of its scope. In a policy file "
    "that means global, on the command line it means epp.",
    matters="A global exclusion blinds endpoint detection as well: no event, no alert, no trace.",
    platforms=("linux",),
    lint=True,
)
def accidentally_global_exclusion(context: Context) -> Iterator[Outcome]:
    """Entries of policy files only: what the agent writes itself has its own default."""
    yield from judge(context, _without_scopes(context))


def _without_scopes(context: Context) -> Iterator[Flaw]:
    for file, key, index, entry in entries(context, written(context)):
        if key == GLOBAL_EXCLUSIONS and not entry.get("scopes"):
            path: Path = (*key.split("."), index)
            yield Flaw(file, path, Severity.MEDIUM, {"kind": entry.get("$type")}, name(entry))


@rule(
    "allowed-threats",
    Severity.MEDIUM,
    title="The threat {threat} is allowed",
    detail="{file} ({channel}) allows {threat}. Left over from an example: {example}; names the "
    "EICAR test file: {eicar}.",
    remedy="Remove it. Where a product is detected by mistake, report it to the vendor and exclude "
    "that one file for as long as it takes.",
    means="A threat of this name is neither blocked nor removed, wherever it is found.",
    matters="The names are those of whole families. A test file that is allowed makes every test "
    "of the protection fail, and an example that was copied shows that nobody reviewed the rest.",
    lint=True,
)
def allowed_threats(context: Context) -> Iterator[Outcome]:
    """One finding for each threat."""
    yield from judge(context, _allowed(context))


def _allowed(context: Context) -> Iterator[Flaw]:
    for file in files(context):
        threats = lookup(file, tuple(ALLOWED.split(".")))
        for index, threat in enumerate(threats if isinstance(threats, list) else ()):
            if isinstance(threat, str):
                facts = {
                    "threat": shortened(threat),
                    "example": EXAMPLE in threat.upper(),
                    "eicar": EICAR in threat.upper(),
                }
                path: Path = (*ALLOWED.split("."), index)
                yield Flaw(file, path, Severity.MEDIUM, facts, threat)
