"""Which folders are watched, which events matter, and which file systems tell nothing."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mdeinspect.mounts import Mount, mount_of, parse
from mdeinspect.watch.plan import Look, Method, Plan, Seen, method, plan, walk, weigh

FILE = "/etc/opt/mdatp/managed/policy.json"
LINUX = Method(recursive=False, parents=True)
MAC = Method(recursive=True, parents=False)
FOLDERS = ("/etc", "/etc/opt", "/etc/opt/mdatp", "/etc/opt/mdatp/managed")


def disk(*folders: str, files: tuple[str, ...] = ()) -> Look:
    """A disk with these folders and files."""
    return linked({}, *folders, files=files)


def linked(links: Mapping[str, str], *folders: str, files: tuple[str, ...] = ()) -> Look:
    def look(path: str) -> Seen:
        if path in links:
            return Seen("link", links[path])
        if path in files:
            return Seen("other")
        return Seen("folder" if path in folders or path == "/" else "missing")

    return look


SRV = ("/srv", "/srv/policy")

WATCHED = [
    pytest.param(
        disk(*FOLDERS, files=(FILE,)),
        ("/etc/opt/mdatp", "/etc/opt/mdatp/managed"),
        id="a file: its folder and the one above",
    ),
    pytest.param(
        disk(*FOLDERS),
        ("/etc/opt/mdatp", "/etc/opt/mdatp/managed"),
        id="a missing file: the same",
    ),
    pytest.param(
        disk("/etc", "/etc/opt"), ("/etc", "/etc/opt"), id="missing folders: the nearest ancestor"
    ),
    pytest.param(disk(), ("/",), id="nothing at all: the root"),
    pytest.param(
        disk("/etc", "/etc/opt", files=("/etc/opt/mdatp",)),
        ("/etc", "/etc/opt"),
        id="a file where a folder should be",
    ),
    pytest.param(
        linked({FILE: "/srv/policy/p.json"}, *FOLDERS, *SRV, files=("/srv/policy/p.json",)),
        ("/etc/opt/mdatp", "/etc/opt/mdatp/managed", "/srv", "/srv/policy"),
        id="a link: its holder and where it leads",
    ),
    pytest.param(
        linked({FILE: "../p.json"}, *FOLDERS, files=("/etc/opt/mdatp/p.json",)),
        ("/etc/opt", "/etc/opt/mdatp", "/etc/opt/mdatp/managed"),
        id="a relative link",
    ),
    pytest.param(
        linked({FILE: "/srv/policy/p.json"}, *FOLDERS, "/srv"),
        ("/", "/etc/opt/mdatp", "/etc/opt/mdatp/managed", "/srv"),
        id="a link into nothing: where the way ends",
    ),
    pytest.param(
        linked(
            {"/etc/opt/mdatp/managed": "/srv/policy", "/srv/policy": "v2"},
            *("/etc", "/etc/opt", "/etc/opt/mdatp", "/srv", "/srv/v2"),
            files=("/srv/v2/policy.json",),
        ),
        ("/", "/etc/opt", "/etc/opt/mdatp", "/srv", "/srv/v2"),
        id="a chain of linked folders: every holder",
    ),
    pytest.param(
        linked({FILE: "other.json", "/etc/opt/mdatp/managed/other.json": FILE}, *FOLDERS),
        ("/etc/opt/mdatp", "/etc/opt/mdatp/managed"),
        id="a loop of links: what holds them",
    ),
]


@pytest.mark.parametrize(("look", "folders"), WATCHED)
def test_folders_to_watch(look: Look, folders: tuple[str, ...]) -> None:
    """Every folder by which a file could change or vanish is watched, outer ones first."""
    assert plan([FILE], look, LINUX).folders == folders


def test_everything_lies_below_the_root() -> None:
    """On a recorded host absolute links resolve inside its folder; nothing outside counts."""
    inside = linked({f"/rec{FILE}": "/srv/p.json"}, *(f"/rec{f}" for f in (*FOLDERS, "/srv")))
    found = plan([FILE], inside, LINUX, "/rec")
    assert found.folders == ("/rec", "/rec/etc/opt/mdatp", "/rec/etc/opt/mdatp/managed", "/rec/srv")
    assert "/rec/srv/p.json" in found.names
    assert all(name == "/rec" or name.startswith("/rec/") for name in found.names)


def test_dots_cannot_leave_the_root() -> None:
    """A link that climbs above `/` stays at `/`."""
    look = linked({"/rec/a": "../../../etc/shadow"}, "/rec", "/rec/etc")
    assert walk("/a", look, "/rec").end == "/etc/shadow"


def test_a_folder_is_watched_whole() -> None:
    """For a path that is a folder, what comes and goes in it matters, not what is edited there."""
    found = plan(["/etc/opt"], disk("/etc", "/etc/opt"), LINUX)
    assert found.folders == ("/", "/etc", "/etc/opt")
    assert weigh(found, "created", True, "/etc/opt/alice") == "structure"
    assert weigh(found, "deleted", False, "/etc/opt/x.plist", "") == "structure"
    assert weigh(found, "moved", False, "/tmp/x", "/etc/opt/x.plist") == "structure"
    assert weigh(found, "modified", False, "/etc/opt/x.plist") is None
    assert weigh(found, "created", False, "/etc/opt/alice/x.plist") is None


def test_no_paths_no_watches() -> None:
    """With nothing to watch, nothing is."""
    assert plan([], disk(), LINUX).folders == ()


MATTERS = [
    ("modified", False, FILE, "content"),
    ("closed", False, FILE, "content"),
    ("attrib", False, FILE, "content"),
    ("created", False, FILE, "structure"),
    ("deleted", False, FILE, "structure"),
    ("moved", False, FILE, "structure"),
    ("deleted", True, "/etc/opt/mdatp/managed", "structure"),
    ("created", True, "/etc/opt/mdatp", "structure"),
    ("attrib", True, "/etc/opt/mdatp/managed", "structure"),
    ("deleted", True, "/", "structure"),
    ("modified", False, "/etc/opt/mdatp/managed/.policy.json.swp", None),
    ("created", True, "/etc/opt/mdatp/logs", None),
    ("deleted", False, "", None),
]


@pytest.mark.parametrize(("event", "is_folder", "path", "weight"), MATTERS)
def test_events_that_matter(event: str, is_folder: bool, path: str, weight: str | None) -> None:
    """Only what lies on the way to a file matters; what moves the way makes all watches anew."""
    found = plan([FILE], disk(*FOLDERS, files=(FILE,)), LINUX)
    assert weigh(found, event, is_folder, path) == weight


def test_either_end_of_a_move_matters() -> None:
    """A file that is moved into place matters by its new name, one moved away by its old one."""
    found = plan([FILE], disk(*FOLDERS), LINUX)
    assert weigh(found, "moved", False, "/etc/opt/mdatp/managed/tmp", FILE) == "structure"
    assert weigh(found, "moved", False, FILE, "/etc/opt/mdatp/managed/old") == "structure"
    assert weigh(found, "moved", False, "/a", "/b") is None


def test_links_matter_by_their_own_names() -> None:
    """Both a link and the file behind it are on the way."""
    look = linked({FILE: "/srv/p.json"}, *FOLDERS, "/srv", files=("/srv/p.json",))
    found = plan([FILE], look, LINUX)
    assert weigh(found, "created", False, FILE) == "structure"
    assert weigh(found, "modified", False, "/srv/p.json") == "content"


def test_the_platform_decides_how() -> None:
    """macOS is watched recursively by the folder itself, Linux folder by folder with parents."""
    assert method("linux") == LINUX
    assert method("darwin") == MAC


def test_recursive_watches_do_not_overlap() -> None:
    """On macOS no folder is watched within another one, and never the whole disk."""
    mac = ("/Library", "/Library/Preferences", "/Library/Managed Preferences")
    user = "/Library/Managed Preferences/alice"
    paths = ["/Library/Preferences/a.plist", mac[2], f"{user}/a.plist", "/gone/b.plist"]
    assert plan(paths, disk(*mac, user), MAC).folders == (mac[2], mac[1])


def test_a_plan_knows_when_it_is_still_right() -> None:
    """Two looks at the same disk give equal plans; another folder gives another one."""
    assert plan([FILE], disk(*FOLDERS), LINUX) == plan([FILE], disk(*FOLDERS), LINUX)
    assert plan([FILE], disk(*FOLDERS), LINUX) != plan([FILE], disk(*FOLDERS[:2]), LINUX)
    assert Plan().folders == ()


MOUNTINFO = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
36 27 98:0 /mnt1 /mnt/with\\040space rw,noatime master:1 propagate_from:2 - nfs4 srv:/x rw
40 27 0:40 / /etc/opt rw - fuse.sshfs me@srv: rw
41 27 0:41 / /etc/opt rw - ext4 /dev/vdb rw
"""


def test_mountinfo_is_read() -> None:
    """Number, place (escapes undone) and type of every mount, with any count of optional fields."""
    assert parse(MOUNTINFO) == (
        Mount(22, "/proc", "proc"),
        Mount(27, "/", "ext4"),
        Mount(36, "/mnt/with space", "nfs4"),
        Mount(40, "/etc/opt", "fuse.sshfs"),
        Mount(41, "/etc/opt", "ext4"),
    )


@pytest.mark.parametrize("text", ["", "\n", "nonsense", "x y - z", "1 2 3:4 / - ext4", "- - -"])
def test_odd_mountinfo_is_skipped(text: str) -> None:
    """A line of a shape that is not known tells nothing and breaks nothing."""
    assert parse(text) == ()


@pytest.mark.parametrize(
    ("path", "number"),
    [("/", 27), ("/etc", 27), ("/etc/opt/x", 41), ("/etc/optional", 27), ("/mnt/with space/a", 36)],
)
def test_the_mount_of_a_path(path: str, number: int) -> None:
    """The deepest mount holds a path; of two at one place, the later one."""
    mount = mount_of(path, parse(MOUNTINFO))
    assert mount is not None
    assert mount.id == number


@pytest.mark.parametrize(
    ("kind", "deaf"),
    [
        *((kind, True) for kind in ("nfs", "nfs4", "cifs", "fuse.sshfs", "fuse", "9p")),
        *((kind, False) for kind in ("ext4", "xfs", "overlay", "tmpfs", "fuseblk")),
    ],
)
def test_file_systems_that_tell_nothing(kind: str, deaf: bool) -> None:
    """Where others change files behind this kernel's back, events are not relied upon."""
    assert Mount(1, "/", kind).deaf is deaf
