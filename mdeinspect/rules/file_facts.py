"""Who else may write the files that carry policy, and where do they really lie?

Of the agent's own local settings nothing is said: which mode and owner it gives them is not
documented. A mode counts wherever it is seen; an owner or group that is not known accuses nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mdeinspect.channels import delivering
from mdeinspect.model import Channel, FileFacts, Folder, Platform, Severity
from mdeinspect.rules import Context, Outcome, Raise, Unsure, rule
from mdeinspect.rules._files import readings

ROOT = 0
# Groups whose members are administrators: root and wheel; on macOS also admin.
TRUSTED: Mapping[Platform, frozenset[int]] = {
    "linux": frozenset({0}),
    "darwin": frozenset({0, 80}),
}
# The first number of people's accounts and groups, and the group that everyone is in.
PEOPLE: Mapping[Platform, tuple[int, int]] = {"linux": (1000, 100), "darwin": (500, 20)}
# Whom a user namespace or a server that does not trust root shows in place of others.
NOBODY = frozenset({65534, 2**32 - 2})
EVERYBODY = "everybody"
STICKY, GROUP_WRITES, OTHERS_WRITE = 0o1000, 0o020, 0o002
# File systems whose files somebody else may change: of a network, or shared by a hypervisor.
REMOTE = frozenset(
    {"9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "fuse.cephfs", "fuse.glusterfs"}
    | {"fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs"}
    | {"nfs", "nfs4", "ocfs2", "orangefs", "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs"}
    | {"vmhgfs", "webdav"}
)


Writers = Mapping[str, Severity]  # who, and how bad that is


@dataclass(frozen=True, slots=True)
class Placed:
    """A policy file that is there. `in_force` is None while it is not known who governs."""

    channel: Channel
    path: str
    facts: FileFacts
    in_force: bool | None

    @property
    def linked(self) -> bool:
        """Whether a link leads to it."""
        return bool(self.facts.links)

    def graded(self, severity: Severity) -> Severity:
        """A file that is not in force is worth a low finding at most."""
        return min(severity, Severity.LOW) if self.in_force is False else severity


@rule(
    "policy-file-writable",
    Severity.MEDIUM,
    title="{subject} may be written by {by}",
    detail="{file} of the channel {channel} has mode {mode}, owner {owner} and group {group}, so "
    "that {by} may write it.",
    remedy="Give it to root and take the right to write from all others: `chown root FILE`, "
    "`chmod go-w FILE`; then correct the tool that deploys it so.",
    means="Somebody who is no administrator may change this policy file. It is graded high where "
    "that is everybody, and low for a file that is not in force, or where only an account or group "
    "of the system may (numbers below those of people). Of the portal's own file, which the agent "
    "writes, only what everybody may write is more than low.",
    matters="Who can write policy can exclude anything, allow any threat, or switch protection "
    "off, without a command that anyone would notice.",
)
def policy_file_writable(context: Context) -> Iterator[Outcome]:
    """By mode, owner and group of each file. One behind a link is told by that link."""
    yield from _unseen(context)
    for one in _placed(context):
        facts = one.facts
        by = _writers(facts.uid, facts.gid, facts.mode, context.platform)
        if not by or one.linked:
            continue
        severity = max(by.values())
        if one.channel == "mde_attach" and EVERYBODY not in by:
            severity = Severity.LOW
        told = {"file": one.path, "channel": one.channel, "by": list(by), "in_force": one.in_force}
        yield Raise(f"file:{one.path}", {**told, **_rights(facts)}, one.graded(severity))


@rule(
    "policy-folder-writable",
    Severity.MEDIUM,
    title="What lies in {subject}, policy among it, may be replaced by {by}",
    detail="{folder} has mode {mode}, owner {owner} and group {group}, so that {by} may replace "
    "what leads to {files}.",
    remedy="Give the folder to root and take the right to write from all others.",
    means="In a folder above a policy file somebody who is no administrator may put another file "
    "or folder in its place. In a folder with the sticky bit only owners may. It is graded high "
    "where that is everybody, and low where no policy in force lies below, or where only an "
    "account or group of the system may: whom the agent's package gives its folders to is not "
    "documented.",
    matters="The mode of the file itself protects nothing when the file can be replaced.",
)
def policy_folder_writable(context: Context) -> Iterator[Outcome]:
    """One finding for each folder, whatever lies below it."""
    yield from _unseen(context)
    found: dict[str, tuple[Folder, list[Placed]]] = {}
    for one in _placed(context):
        for folder in () if one.linked else one.facts.folders:
            found.setdefault(folder.path, (folder, []))[1].append(one)
    for folder, below in found.values():
        by = _replacers(folder, context.platform)
        if by:
            files = sorted(one.path for one in below)
            told = {"folder": folder.path, "by": list(by), "files": files}
            worst = max(one.graded(max(by.values())) for one in below)
            yield Raise(f"file:{folder.path}", {**told, **_rights(folder)}, worst)


@rule(
    "policy-file-linked",
    Severity.INFO,
    title="{subject} is reached through a link and lies at {target}",
    detail="{file} of the channel {channel} leads through {links} to {target}. Others than root "
    "may write: {writable}.",
    remedy="Deploy a regular file. Where the link is wanted, see that only root may write its "
    "target and every folder on the way.",
    means="A symbolic link, in the file's place or above it, leads elsewhere. It is graded medium "
    "where somebody who is no administrator may write the target or replace something on the way.",
    matters="What is protected at one end of a link need not be at the other.",
)
def policy_file_linked(context: Context) -> Iterator[Outcome]:
    """Each policy file that a link leads to, with all that is writable on the way."""
    yield from _unseen(context)
    for one in _placed(context):
        if not one.linked:
            continue
        facts, platform = one.facts, context.platform
        open_ = {folder.path: _replacers(folder, platform) for folder in facts.folders}
        open_[facts.real or one.path] = _writers(facts.uid, facts.gid, facts.mode, platform)
        writable = {path: list(by) for path, by in sorted(open_.items()) if by}
        told = {"file": one.path, "channel": one.channel, "links": list(facts.links)}
        worst = max((max(by.values()) for by in open_.values() if by), default=Severity.INFO)
        severity = one.graded(min(worst, Severity.MEDIUM))
        yield Raise(
            f"file:{one.path}", {**told, "target": facts.real, "writable": writable}, severity
        )


@rule(
    "policy-file-remote",
    Severity.LOW,
    title="{subject} lies on a shared file system ({filesystem})",
    detail="{file} of the channel {channel} lies on {filesystem}.",
    remedy="Keep policy on a disk of the host itself.",
    means="The file lies on a file system of the network, or one that a hypervisor shares.",
    matters="Policy is away when the server is, and whoever may write there governs this host. No "
    "event announces a change, so that it is found by looking from time to time.",
)
def policy_file_remote(context: Context) -> Iterator[Outcome]:
    """By the type of the file system. Where that is not known nothing is said."""
    yield from _unseen(context)
    for one in _placed(context):
        if one.facts.filesystem in REMOTE:
            told = {"file": one.path, "channel": one.channel, "filesystem": one.facts.filesystem}
            yield Raise(f"file:{one.path}", told, one.graded(Severity.LOW))


# --- what they share ----------------------------------------------------------------------------


def _placed(context: Context) -> Iterator[Placed]:
    governing = delivering(context.authority, context.channels, context.platform)
    open_ = context.authority.channel == "unknown"
    for channel, path, reading in readings(context):
        if channel != "local" and reading.file is not None:
            in_force = True if channel == governing else None if open_ else False
            yield Placed(channel, path, reading.file, in_force)


def _unseen(context: Context) -> Iterator[Unsure]:
    """Files of which the inspector may not even know who owns them."""
    for channel, path, reading in readings(context):
        if channel != "local" and reading.kind == "denied" and reading.file is None:
            yield Unsure(reading.reason or f"cannot read {path}")


def _writers(uid: int | None, gid: int | None, mode: int | None, platform: Platform) -> Writers:
    """Who may write, administrators apart. Who owns a thing can give himself the right."""
    found: dict[str, Severity] = {}
    if mode is not None and mode & OTHERS_WRITE:
        found[EVERYBODY] = Severity.HIGH
    group_writes = mode is not None and bool(mode & GROUP_WRITES)
    if group_writes and gid is not None and gid not in TRUSTED[platform]:
        found[f"group {gid}"] = _graded(gid, platform)
    if uid is not None and uid != ROOT:
        found[f"user {uid}"] = _graded(uid, platform)
    return found


def _graded(number: int, platform: Platform) -> Severity:
    """Accounts of the system, the agent's own among them, are not people."""
    if number in NOBODY:
        return Severity.LOW
    first, everyone = PEOPLE[platform]
    return Severity.MEDIUM if number >= first or number == everyone else Severity.LOW


def _replacers(folder: Folder, platform: Platform) -> Writers:
    """Who may replace what lies in a folder. With the sticky bit that is only its owner."""
    mode = folder.mode
    if mode is not None and mode & STICKY:
        mode &= ~(GROUP_WRITES | OTHERS_WRITE)
    return _writers(folder.uid, folder.gid, mode, platform)


def _rights(one: FileFacts | Folder) -> dict[str, object]:
    mode = None if one.mode is None else f"{one.mode:04o}"
    return {"mode": mode, "owner": one.uid, "group": one.gid}
