"""Everything that the packages put on a host, laid out below `build/package`."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from email.utils import formatdate
from pathlib import Path
from typing import Final

from pack.configuration import commented
from pack.interpreter import interpreter
from pack.packages import MAINTAINER, package_version
from pack.places import BUILD, CHECKOUT, HERE, PREFIX, PYTHON, STAGE
from pack.run import run

LAUNCHER: Final = f"""\
#!/{PREFIX}/bin/python3 -IB
from mdeinspect.__main__ import main

main()
"""
ENTRY: Final = """\
mdeinspect ({version}-1) stable; urgency=medium

  * This version: see changelog.gz.

 -- {maintainer}  {date}
"""
# For `pip install --target`: wheels for the packages' interpreter, not for the one that runs pip.
WHEELS: Final = (
    "--only-binary=:all:",
    "--implementation=cp",
    f"--python-version={PYTHON}",
    "--platform=manylinux_2_31_x86_64",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_17_x86_64",
    "--platform=manylinux2014_x86_64",
)
# What a wheel brings for those who develop it, and what only an installer needs.
UNWANTED: Final = ("*/tests", "*/test", "bin", "*.dist-info/RECORD", "*.dist-info/REQUESTED",
                   "*.dist-info/INSTALLER", "*.dist-info/direct_url.json")  # fmt: skip


def lay_out(wheel: Path, version: str) -> Path:
    """The folder, made anew, with the product from `wheel`."""
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    run("tar", "-C", STAGE, "-xzf", interpreter())
    _libraries(wheel)
    launcher = STAGE / PREFIX / "bin/mdeinspect"
    launcher.write_text(LAUNCHER, "utf-8")
    launcher.chmod(0o755)
    _compile()
    _around()
    _documents(STAGE / "usr/share/doc/mdeinspect", version)
    _modes()
    return STAGE


def _libraries(wheel: Path) -> None:
    site = STAGE / PREFIX / f"lib/python{PYTHON}/site-packages"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", site)
    requirements = HERE / "requirements.txt"
    run(*pip, *WHEELS, "--no-deps", "--require-hashes", "--requirement", requirements)
    run(*pip, *WHEELS, "--no-deps", "--upgrade", wheel)
    for pattern in UNWANTED:
        for path in site.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for library in site.rglob("*.so"):
        run("strip", "--strip-unneeded", library)


def _compile() -> None:
    """Byte code that is never checked nor written again: nothing of ours appears at run time."""
    python = STAGE / PREFIX / "bin/python3"
    # Forced, and without writing while it imports: what it needs itself would else be left as
    # byte code that is checked against the source's time, and written again on the host.
    how = ("-q", "-f", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", STAGE, "-p", "/")
    run(python, "-IB", "-m", "compileall", *how, STAGE / PREFIX / "lib")


def _around() -> None:
    """Configuration, manual pages and completions."""
    etc = STAGE / "etc/mdeinspect"
    (etc / "conf.d").mkdir(parents=True)
    example = (CHECKOUT / "docs/config.example.toml").read_text("utf-8")
    (etc / "config.toml").write_text(commented(example), "utf-8")
    for page in sorted((BUILD / "man").glob("*.1")):
        _gzip(page.read_bytes(), STAGE / f"usr/share/man/man1/{page.name}.gz")
    shutil.copytree(BUILD / "completions", STAGE / "completions")


def _documents(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    shutil.copy(HERE / "copyright", folder / "copyright")
    built_from = (STAGE / PREFIX / "built-from").read_text("utf-8")
    (folder / "built-from").write_text(f"{built_from}mpdecimal {_libmpdec()}\n", "utf-8")
    (STAGE / PREFIX / "built-from").unlink()
    _gzip((CHECKOUT / "CHANGELOG.md").read_bytes(), folder / "changelog.gz")
    date = formatdate(int(os.environ["SOURCE_DATE_EPOCH"]))
    entry = ENTRY.format(version=package_version(version), maintainer=MAINTAINER, date=date)
    _gzip(entry.encode(), folder / "changelog.Debian.gz")
    for name in ("strict.conf", "root.conf"):
        shutil.copy(CHECKOUT / "systemd" / name, folder / name)


def _libmpdec() -> str:
    """The version that the interpreter's source carries; the recipe told of all else."""
    code = "import _decimal; print(_decimal.__libmpdec_version__)"
    words = [str(STAGE / PREFIX / "bin/python3"), "-I", "-c", code]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def _gzip(data: bytes, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(data, mtime=0))


def _modes() -> None:
    """Only programs may be run; nothing depends on the builder's umask; one time for all files."""
    moment = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in (STAGE, *STAGE.rglob("*")):
        if not path.is_symlink():
            wide = path.is_dir() or path.parent.name == "bin"
            path.chmod(0o755 if wide else 0o644)
        os.utime(path, (moment, moment), follow_symlinks=False)
