"""A package, signed as it should be, whose scriptlet attacks whoever installs it.

The programs that install it, and those of the package itself, are this machine's. In the place of
pacman is a script that does what matters here: it verifies each package, if it has to, unpacks it,
and runs its scriptlet after chroot(2), as root.
"""

import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard

from aimager.archive import pack_members
from aimager.model.architecture import host_architecture
from aimager.model.lock import Lock, LockedPackage, write_lock
from aimager.model.workshop import Workshop
from aimager.stand_in.entry import Entry, arrange_entries, make_file, make_link
from aimager.stand_in.metadata import Metadata
from aimager.stand_in.package_file import write_package
from aimager.stand_in.signing import SigningKey, open_key
from aimager.system.install import install_system
from aimager.system.installation import Installation

DATE = 1_700_000_000

_PACMAN = r"""#!/bin/sh
set -e
conf=$(echo "$*" | sed -n 's/.*--config \([^ ]*\).*/\1/p')
root=$(sed -n 's/^RootDir = //p' "$conf")
home=$(sed -n 's/^GPGDir = //p' "$conf")
case " $* " in *" -D "*) exit 0 ;; esac
while [ "$1" != -- ]; do shift; done
shift
grep -q '^LocalFileSigLevel = Never' "$conf" || for file; do
    gpg --homedir "$home" --no-autostart --verify "$file.sig" "$file" || exit 1
done
for file; do
    info=$(tar -xOf "$file" .PKGINFO)
    name=$(echo "$info" | sed -n 's/^pkgname = //p')
    version=$(echo "$info" | sed -n 's/^pkgver = //p')
    echo "installing $name..."
    tar -xf "$file" -C "$root" --exclude='.[A-Z]*'
    mkdir -p "$root/var/lib/pacman/local/$name-$version"
    echo "%NAME%" > "$root/var/lib/pacman/local/$name-$version/desc"
    tar -xOf "$file" .INSTALL > "$root/.INSTALL"
    chroot "$root" /bin/sh -c '. /.INSTALL; post_install' || echo "the scriptlet failed"
    rm "$root/.INSTALL"
done
"""

_TOOLS = ("sh", "sed", "grep", "tar", "zstd", "gpg", "mkdir", "rm", "chroot", "perl", "cat")

_PRELUDE = r"""
$| = 1;
alarm 30;
my $secret = reverse "@SECRET@";
sub got { print "got @_\n" }
sub slurp {
    my ($path) = @_;
    sysopen(my $file, $path, 2048) or return "";
    sysread($file, my $data, 1 << 20);
    return $data // "";
}
sub look { my ($path) = @_; got $path if index(slurp($path), $secret) >= 0 }
sub put { my ($path) = @_; open(my $file, ">", $path) or return; print $file "put"; close $file; }
sub leave {
    chdir "/"; mkdir "/x"; chroot "/x"; chdir ".." for 1 .. 64; chroot ".";
}
sub ask {
    my ($family, $address) = @_;
    socket(my $socket, $family, 1, 0) or return;
    connect($socket, $address) or return;
    sysread($socket, my $data, 99);
    got "an answer" if index($data // "", $secret) >= 0;
}
sub unix { ask(1, pack("S a108", 1, $_[0])) }
sub list { my ($place) = @_; opendir(my $d, $place) or return; map { "$place/$_" } readdir $d }
sub processes { grep { m{/[0-9]+$} } list("/proc") }
sub ways { map { ("$_/root", "$_/cwd", list("$_/fd")) } processes }
sub everywhere { my @ways = ("", ways); map { my $p = $_; map { "$_$p" } @ways } @_ }
"""


def attack(code: str, secret: str) -> str:
    """A program in Perl that does ``code`` and says what it got of ``secret``."""
    return _PRELUDE.replace("@SECRET@", secret[::-1]) + code + ';\nprint "tried\\n";\n'


def _files(programs: Sequence[str]) -> Iterator[Entry]:
    """Programs of this machine with their libraries, at the places that they have here."""
    for name in ("bin", "sbin", "lib", "lib64"):
        if Path("/", name).is_symlink():
            yield make_link(name, str(Path("/", name).readlink()))
    for program in programs:
        found = shutil.which(program)
        if not found:
            pytest.skip(f"{program} is not installed")
        yield make_file(f"usr/bin/{program}", Path(found).resolve().read_bytes(), 0o755)
        listed = subprocess.run(["ldd", found], capture_output=True, text=True, check=False)
        for library in re.findall(r"(/\S+) \(0x", listed.stdout):
            place = Path(library).parent.resolve() / Path(library).name
            yield make_file(str(place)[1:], place.read_bytes(), 0o755)
            loader = Path(library)
            if "ld-linux" in loader.name and str(loader.resolve()) != str(place):
                yield make_file(str(loader.resolve())[1:], loader.read_bytes(), 0o755)


def make_tools(target: Path) -> Path:
    """An archive of the programs that install."""
    entries = [*_files(_TOOLS), make_file("usr/bin/pacman", _PACMAN, 0o755)]
    entries += [Entry(name, "dir", 0o755) for name in ("dev", "proc", "run", "sys", "tmp")]
    with tarfile.open(target, "w") as archive:
        for entry in arrange_entries(entries, DATE):
            member = tarfile.TarInfo(entry.path)
            member.mode, member.mtime, member.size = entry.mode, entry.mtime, len(entry.data)
            if entry.kind != "file":
                member.type = tarfile.DIRTYPE if entry.kind == "dir" else tarfile.SYMTYPE
                member.linkname = entry.target
            archive.addfile(member, io.BytesIO(entry.data))
    return target


@dataclass(frozen=True)
class Maker:
    """Makes packages, signs them with ``key``, and installs them with ``tools``."""

    folder: Path
    key: SigningKey
    keyring: Path
    tools: Path
    base: tuple[Entry, ...]

    def install(self, cache: Path, code: str, secret: str, **changes: object) -> str:
        """Install a package that runs ``code``, and return what that said."""
        lock = self._package(cache, attack(code, secret))
        target = cache / "product/install-packages/x/root.tar.zst"
        workshop = Workshop(cache, cache / "work/x", cache / "pkg", cache / "log/x.log")
        install_system(
            Installation(
                architecture=host_architecture(),
                lock=lock,
                keys=self.keyring.with_name("keys.tar"),
                keyring=self.keyring,
                target=target,
                workshop=workshop,
                epoch=DATE,
                borrowed=self.tools,
                **changes,  # type: ignore[arg-type]
            )
        )
        return read_member(target, "loot")

    def _package(self, cache: Path, script: str) -> Path:
        name = "hostile"
        entries = arrange_entries((*self.base, make_file("attack.pl", script)), DATE)
        install = b"post_install() { PERL_BADLANG=0 perl /attack.pl >/loot 2>&1; }\n"
        made = cache / "made"
        made.mkdir(parents=True)
        metadata = Metadata(name, "1-1", str(host_architecture()), "", "", DATE)
        built = write_package(made, metadata, entries, install=install)
        package = LockedPackage(
            *(name, "1-1", str(host_architecture()), "core", built.filename, built.sha256),
            *(built.compressed_size, built.installed_size, DATE),
        )
        place = package.path(cache / "pkg")
        place.parent.mkdir(parents=True)
        (made / built.filename).rename(place)
        self.key.sign(place)
        lock = cache / "lock.json"
        lock.write_text(write_lock(Lock("p", (name,), (package,))))
        return lock


def read_member(archive: Path, name: str) -> str:
    """A text file of a root's archive."""
    with (
        archive.open("rb") as stream,
        zstandard.ZstdDecompressor().stream_reader(stream) as whole,
        tarfile.open(fileobj=whole, mode="r|") as members,
    ):
        for member in members:
            if member.name.removeprefix("./") == name:
                content = members.extractfile(member)
                assert content
                return content.read().decode(errors="replace")
    return ""


@contextmanager
def packager(folder: Path) -> Iterator[Maker]:
    """A packager whom the keyring trusts."""
    with open_key(folder / "key") as key:
        home = folder / "gnupg"
        home.mkdir(mode=0o700)
        argv = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-autostart"]
        (home / "pubring.gpg").touch(mode=0o600)
        subprocess.run([*argv, "--import"], input=key.export(), check=True)
        trust = f"{key.fingerprint}:6:\n".encode()
        subprocess.run([*argv, "--import-ownertrust"], input=trust, check=True, capture_output=True)
        subprocess.run([*argv, "--check-trustdb"], check=True, capture_output=True)
        keyring = folder / "keyring.tar"
        with tarfile.open(keyring, "w") as archive:
            for path in sorted(home.iterdir()):
                if path.is_file():
                    archive.add(path, path.name)
        packed = folder / "keyring.tar.zst"
        packed.write_bytes(zstandard.compress(keyring.read_bytes()))
        keys = [("k.gpg", key.export()), ("k-trusted", trust), ("k-revoked", b"")]
        (folder / "keys.tar").write_bytes(pack_members(keys))
        tools = make_tools(folder / "tools.tar")
        yield Maker(folder, key, packed, tools, tuple(_files(("sh", "perl"))))
