"""Which exclusions leave too much unguarded, and why: by path, by file extension, by process.

What is decided here is a judgement, so each list says on what grounds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from mdeinspect.model import Platform

Reason = Literal[
    "everything",
    "system-folder",
    "program-folder",
    "home-folders",
    "world-writable",
    "mounted-drives",
    "general-purpose-program",
    "active-file-type",
]

VALUE_OF = {"excludedPath": "path", "excludedFileExtension": "extension"} | {
    "excludedFileName": "name"
}
"""Which member of an entry says what is excluded, by its `$type`."""

# Whole trees of a system. Not in here: /var/log (text that nothing runs), single services
# (/var/lib/mysql), and /proc and /sys, which the kernel makes up: nobody can put a file there.
# /dev and /run are in here, because every user can write to /dev/shm and /run/user.
_SYSTEM = "/var /var/lib /etc /opt /srv /boot /lib /lib64 /usr /usr/lib /usr/lib64 /usr/share"
_MORE_SYSTEM = "/usr/local /usr/local/lib /System /Library /Applications"
_PRIVATE = "/private /private/var /private/etc"  # where macOS really keeps /var and /etc
_BINARIES = "/bin /sbin /usr/bin /usr/sbin /usr/local/bin /usr/local/sbin"
_WRITABLE = "/tmp /var/tmp /dev /dev/shm /run /run/user /run/shm /var/run /Users/Shared"  # noqa: S108
_MORE_WRITABLE = "/private/tmp /private/var/tmp /var/folders /private/var/folders"
_FOLDERS: Mapping[Reason, str] = {
    "everything": "/",
    "system-folder": f"{_SYSTEM} {_MORE_SYSTEM} {_PRIVATE}",
    "program-folder": f"{_BINARIES} /opt/homebrew /opt/homebrew/bin",
    "home-folders": "/home /root /Users /var/root /private/var/root",
    "world-writable": f"{_WRITABLE} {_MORE_WRITABLE}",
    "mounted-drives": "/mnt /media /run/media /Volumes",
}
_BY_FOLDER = {folder: why for why, folders in _FOLDERS.items() for folder in folders.split()}
_BY_FOLDER_ANY_CASE = {folder.lower(): reason for folder, reason in _BY_FOLDER.items()}

# Programs, scripts, archives and documents that can carry active content: the files that malware
# comes as. Not in here: data (log, cnf, sql, ibd, txt, csv, json, xml), which nothing runs.
_PROGRAMS = "elf so bin run out ko o a exe dll sys com scr msi dylib app pkg mpkg dmg deb rpm apk"
_SCRIPTS = "sh bash zsh ksh csh command py pyc pl pm rb php phtml js mjs cjs jsp jspx asp aspx lua"
_MORE_SCRIPTS = "tcl ps1 psm1 vbs vbe wsf hta bat cmd lnk applescript scpt jar war ear class wasm"
_ARCHIVES = "zip tar gz tgz bz2 tbz xz txz zst lz4 7z rar cab cpio iso img vhd vhdx ipa whl"
_DOCUMENTS = "pdf rtf doc docm docx dot dotm xls xlsb xlsm xlsx ppt pptm pptx odt ods odp one chm"
_MORE_DOCUMENTS = "html htm svg eml msg"
_TYPES = (_PROGRAMS, _SCRIPTS, _MORE_SCRIPTS, _ARCHIVES, _DOCUMENTS, _MORE_DOCUMENTS)
_EXTENSIONS = frozenset(" ".join(_TYPES).split())

# Programs that do whatever their caller says: shells and interpreters, and the tools that read,
# copy, fetch or unpack any file. All that they touch is excluded with them.
_SHELLS = "sh bash rbash dash ash zsh ksh mksh csh tcsh fish busybox toybox pwsh osascript"
_LANGUAGES = "python perl ruby node nodejs deno bun php lua luajit tclsh expect awk gawk mawk java"
_MORE_LANGUAGES = "mono dotnet Rscript swift"
_TOOLS = "cat cp mv dd tee tar gzip unzip cpio base64 curl wget scp sftp rsync ftp nc ncat netcat"
_MORE_TOOLS = "socat openssl env xargs find sudo su vi vim emacs nano systemd init launchd cron"
_AT_ANYBODYS_BIDDING = (_SHELLS, _LANGUAGES, _MORE_LANGUAGES, _TOOLS, _MORE_TOOLS)
_INTERPRETERS = frozenset(" ".join(_AT_ANYBODYS_BIDDING).split())
_VERSIONED = re.compile(r"(?P<name>[A-Za-z]+?)(?:-?[0-9][0-9.]*+)?\*?")
_SYSTEM_PLACES = ("/bin/", "/sbin/", "/usr/", "/opt/homebrew/", "/System/", "/Library/")
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Broad:
    """Why an exclusion is too broad; `narrow` where something still limits what it does."""

    reason: Reason
    narrow: bool = False


def too_broad(entry: Mapping[str, Any], platform: Platform) -> Broad | None:
    """Why `entry` of a list of exclusions leaves too much unguarded; None when it does not."""
    kind = entry.get("$type")
    value = entry.get(VALUE_OF.get(kind, "")) if isinstance(kind, str) else None
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        return None
    text = value.strip()
    if kind == "excludedFileExtension":
        return _extension(text)
    if kind == "excludedFileName":
        return _process(text)
    return _path(text, platform, one_file=entry.get("isDirectory") is False)


def _path(text: str, platform: Platform, *, one_file: bool) -> Broad | None:
    parts = _parts(text)
    kept = list(parts)
    while kept and _is_wild(kept[-1]):  # /home/* and /home/*/* are all of /home
        kept.pop()
    if parts and _is_wild(parts[0]):
        return Broad("everything")
    folder = "/" + "/".join(kept)
    known = _BY_FOLDER if platform == "linux" else _BY_FOLDER_ANY_CASE
    reason = known.get(folder if platform == "linux" else folder.lower())
    if reason is None or not text.startswith("/"):
        return None
    # Written as a single file, a folder excludes nothing: until somebody corrects the entry.
    return Broad(reason, narrow=one_file and parts == kept)


def _extension(text: str) -> Broad | None:
    if not text.strip("*?."):
        return Broad("everything") if text.strip(".") else None
    name = text.rpartition(".")[2].lower()  # pdf, .pdf and *.pdf are the same, tar.gz is gz
    return Broad("active-file-type") if name in _EXTENSIONS else None


def _process(text: str) -> Broad | None:
    folder, slash, name = text.rpartition("/")
    if not name.strip("*?"):
        return Broad("everything")
    if not _is_interpreter(name):
        return None
    # A product's own copy in its own folder is not what everybody else runs.
    somewhere = not slash or "*" in folder or "?" in folder
    own = not somewhere and not f"{folder}/".startswith(_SYSTEM_PLACES)
    return Broad("general-purpose-program", narrow=own)


def _is_interpreter(name: str) -> bool:
    plain = _VERSIONED.fullmatch(name)
    if plain and plain["name"] in _INTERPRETERS:
        return True
    if name in _INTERPRETERS or not ("*" in name or "?" in name):
        return name in _INTERPRETERS
    return any(fnmatchcase(one, name) for one in _INTERPRETERS)


def _parts(text: str) -> list[str]:
    """The components of a path, `.` and `..` worked out."""
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return parts


def _is_wild(part: str) -> bool:
    return not part.strip("*?")
