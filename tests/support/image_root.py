"""Looking into a root archive without unpacking it."""

import gzip
import re
import tarfile
from pathlib import Path


def read_root(archive: Path) -> dict[str, tarfile.TarInfo]:
    """The members of a root archive by their path relative to the root."""
    with tarfile.open(archive) as tar:
        return {member.name.removeprefix("./"): member for member in tar}


def read_file(archive: Path, name: str) -> bytes:
    """The content of one of its files."""
    with tarfile.open(archive) as tar:
        content = tar.extractfile(f"./{name}")
        assert content
        return content.read()


def read_mtrees(archive: Path) -> dict[str, dict[str, str]]:
    """What the packages' own .MTREE files say of each path: its keywords (mtree(5))."""
    paths: dict[str, dict[str, str]] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if re.fullmatch(r"\./var/lib/pacman/local/[^/]+/mtree", member.name):
                content = tar.extractfile(member)
                assert content
                paths.update(_read_mtree(gzip.decompress(content.read()).decode()))
    return paths


def wrong_members(archive: Path) -> list[str]:
    """The members whose owner or mode is not what the packages say."""
    members = read_root(archive)
    wrong = []
    for name, said in read_mtrees(archive).items():
        member = members.get(name)
        # systemd-tmpfiles of the image makes these private (credstore.conf).
        if member is None or member.issym() or name.startswith("etc/credstore"):
            continue
        if (str(member.uid), str(member.gid)) != (said["uid"], said["gid"]):
            wrong.append(f"{name}: {member.uid}:{member.gid}, not {said['uid']}:{said['gid']}")
        if member.mode != int(said["mode"], 8):
            wrong.append(f"{name}: mode {member.mode:o}, not {said['mode']}")
    return wrong


def _read_mtree(text: str) -> dict[str, dict[str, str]]:
    paths = {}
    defaults: dict[str, str] = {}
    for line in text.splitlines():
        first, *words = line.split()
        keywords = dict(word.partition("=")[::2] for word in words)
        if first == "/set":
            defaults = keywords
        elif first.startswith("./") and not first.startswith("./."):
            name = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), first[2:])
            paths[name.encode("latin-1").decode()] = {**defaults, **keywords}
    return paths
