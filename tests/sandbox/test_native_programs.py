"""Which programs are borrowed, and the kit that is made of them."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.model.architecture import Architecture
from aimager.model.lock import UNSIGNED, Lock, LockedPackage, write_lock
from aimager.sandbox.binfmt import program_interpreter
from aimager.sandbox.borrowed_root import LOCK, WANTED_FOR_FOREIGN, lender_lock
from aimager.sandbox.native_programs import bash_machine, borrowable, make_kit, summary
from aimager.sandbox.native_programs_table import LENT, Lent
from tests.support.locked import make_package

SED = Lent("sed", ("sed",))
BSDTAR = Lent("libarchive", ("bsdtar",), ("zlib",))
OF_THE_MACHINE = {
    *("uname", "arch", "getconf", "lscpu", "setarch", "bootctl", "systemd-detect-virt", "stdbuf"),
    *("od", "printf", "seq", "ldd", "ldconfig", "ld.so", "su", "gcc", "pacman", "pacman-conf"),
}


def lock(*packages: LockedPackage) -> Lock:
    """A lock of these packages."""
    return Lock("p", (), packages)


def choose(native: Lock | None, target: Lock, *table: Lent) -> tuple[list[str], str]:
    """What of the table may be borrowed, and what the log is told."""
    log = io.BytesIO()
    return borrowable(table, native, target, log), log.getvalue().decode()


def test_another_release_does_not_matter() -> None:
    native = lock(make_package("sed", version="1:4.9-2"))
    target = lock(make_package("sed", version="1:4.9-1.1"))
    assert choose(native, target, SED) == (["usr/bin/sed"], "")


@pytest.mark.parametrize("version", ["4.8-1", "1:4.9-1"])
def test_another_version_is_emulated(version: str) -> None:
    native = lock(make_package("sed", version="4.9-1"))
    programs, told = choose(native, lock(make_package("sed", version=version)), SED)
    assert programs == []
    upstream = version.split("-")[0]
    assert told == f"emulated, because their versions differ: sed (sed {upstream}, borrowed 4.9)\n"


def test_what_the_lender_lacks_is_emulated() -> None:
    for native in (None, lock()):
        programs, told = choose(native, lock(make_package("sed")), SED)
        assert programs == []
        assert "sed 1.0, borrowed none" in told


def test_of_what_the_image_lacks_nothing_is_told() -> None:
    assert choose(lock(make_package("sed")), lock(), SED) == ([], "")


def test_a_library_counts() -> None:
    native = lock(make_package("libarchive"), make_package("zlib"))
    assert choose(native, native, BSDTAR)[0] == ["usr/bin/bsdtar"]
    newer = lock(make_package("libarchive"), make_package("zlib", version="2-1"))
    assert choose(native, newer, BSDTAR)[0] == []
    assert choose(native, lock(make_package("libarchive")), BSDTAR)[0] == []


def test_what_nobody_signed_is_not_what_it_says() -> None:
    own = make_package("sed", repository=UNSIGNED)
    assert choose(lock(make_package("sed")), lock(own), SED)[0] == []


def test_the_table() -> None:
    packages = [lent.package for lent in LENT]
    assert sorted(set(packages)) == sorted(packages)
    assert set(packages) < set(WANTED_FOR_FOREIGN)
    programs = [program for lent in LENT for program in lent.programs]
    assert len(set(programs)) == len(programs)
    assert OF_THE_MACHINE.isdisjoint(programs)


def test_the_lender_tells_its_packages(tmp_path: Path) -> None:
    assert lender_lock(tmp_path) is None
    locked = lock(make_package("sed"))
    (tmp_path / LOCK).write_text(write_lock(locked))
    assert lender_lock(tmp_path) == locked
    (tmp_path / LOCK).write_text("{")
    with pytest.raises(ConfigError):
        lender_lock(tmp_path)


@pytest.fixture
def borrowed(tmp_path: Path) -> Path:
    """A root with a real program, a script, a link, the loader, and libraries."""
    program = Path(shutil.which("true") or "/bin/true").resolve()
    loader = program_interpreter(program.read_bytes())
    if not loader:
        pytest.skip("this host's programs have no loader")
    root = tmp_path / "tools"
    lib = root / "usr/lib/triplet"
    for folder in (root / "usr/bin", lib / "gconv", root / "opt", (root / loader[1:]).parent):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, root / "usr/bin/true")
    shutil.copy(program, root / "usr/bin/[")
    (root / "usr/bin/false").symlink_to("true")
    (root / "usr/bin/script").write_text("#!/bin/sh\n")
    shutil.copy(loader, root / loader[1:])
    (lib / "gconv/UTF-7.so").write_text("plugin")
    (lib / "libx.so.1.2").write_text("library")
    (lib / "libx.so.1").symlink_to("libx.so.1.2")
    (lib / "libout.so").symlink_to("/etc/passwd")
    (lib / "libc.so.6").write_bytes(b"/usr/lib/triplet/gconv\0/usr/lib/gconv\0/usr/lib/locale\0")
    (lib / "libpam.so.0").write_bytes(b"/usr/lib/security/\0/usr/lib/pam.d\0")
    return root


def test_a_kit(borrowed: Path, tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    make_kit(borrowed, kit, [f"usr/bin/{name}" for name in ("tru*", "[", "false", "script", "no")])
    made = {str(path.relative_to(kit)) for path in kit.rglob("*") if not path.is_dir()}
    assert made == {
        *("ld.so", "programs/usr/bin/true", "programs/usr/bin/[", "triplet/gconv/UTF-7.so"),
        *("lib/libx.so.1", "lib/libx.so.1.2", "lib/libc.so.6", "lib/libpam.so.0"),
    }
    assert (kit / "lib/libx.so.1").read_text() == "library"
    assert (kit / "lib/libc.so.6").read_bytes() == (
        b"/dev/kit/triplet/gconv\0/dev/kit/gconv\0/usr/lib/locale\0"
    )
    assert b"/usr/lib/triplet/gconv" in (borrowed / "usr/lib/triplet/libc.so.6").read_bytes()
    assert (kit / "lib/libpam.so.0").read_bytes() == b"/dev/kit/security/\0/usr/lib/pam.d\0"


def test_the_loader_starts_a_program_of_the_kit(borrowed: Path, tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    make_kit(borrowed, kit, ["usr/bin/true"])
    host_libraries = "/usr/lib:/lib/x86_64-linux-gnu:/lib/aarch64-linux-gnu:/usr/lib64"
    options = ("--inhibit-cache", "--library-path", host_libraries, "--argv0", "x")
    done = subprocess.run(
        [kit / "ld.so", *options, kit / "programs/usr/bin/true", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout


def test_the_summary() -> None:
    record = ["borrowed /usr/bin/sed", "emulated /usr/bin/ldconfig", "borrowed /usr/bin/sed"]
    assert summary(record).splitlines() == [
        "programs started by the image:",
        "      2 borrowed /usr/bin/sed",
        "      1 emulated /usr/bin/ldconfig",
    ]


def test_architectures_that_bash_names() -> None:
    assert bash_machine(Architecture.aarch64)["MACHTYPE"] == "aarch64-unknown-linux-gnu"
    assert bash_machine(Architecture.armv7h) == {
        "HOSTTYPE": "armv7l",
        "OSTYPE": "linux-gnueabihf",
        "MACHTYPE": "armv7l-unknown-linux-gnueabihf",
    }
