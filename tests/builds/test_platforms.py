"""A root archive of every further platform there is, each from its own stand-in mirror."""

import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from aimager.compression import opened
from aimager.distros import DISTROS, platform_for_host
from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.distro import Platform
from aimager.sandbox.binfmt import elf_header, emulation
from aimager.stand_in.ports import PORTS
from aimager.system.hook_failures import FAILED
from tests.builds.test_builds import IMAGES
from tests.support.image_root import read_file, read_root, wrong_members
from tests.support.runs import Doit

PLATFORMS = [Platform(distro, a) for distro in DISTROS for a in distro.architectures]
FURTHER = [platform for platform in PLATFORMS if platform.architecture not in IMAGES]
"""Those whose root archives test_builds does not look into."""


def lend_qemu(architecture: Architecture, mirror: Path, folder: Path) -> None:
    """Unpack the mirror's own QEMU for ``architecture`` to ``folder``."""
    host = PORTS[platform_for_host(host_architecture()).architecture]
    (package,) = (mirror / host.layout()["extra"]).glob("qemu-user-static-*.pkg.tar.zst")
    name = f"qemu-{architecture.qemu}-static"
    with opened(package) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if member.name == f"usr/bin/{name}":
                content = archive.extractfile(member)
                assert content
                (folder / name).write_bytes(content.read())
                (folder / name).chmod(0o755)


@pytest.mark.parametrize("platform", FURTHER, ids=lambda p: p.id)
def test_root_archive(
    platform: Platform,
    ports: Doit,
    mirror_for: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    architecture = platform.architecture
    mirror = mirror_for(architecture)
    if architecture is Architecture.loong64:  # the vector instructions need QEMU 8.1
        lend_qemu(architecture, mirror, tmp_path)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    try:
        emulation(architecture)
    except HostError as error:
        pytest.skip(error.message)
    ports.build(f"distro={platform.distro.id}", f"arch={architecture}", "install-pkgs=tree")
    archive = ports.out / f"{platform.id}-none" / "root.tar"
    for log in (ports.cache / "log").glob(f"*{platform.id}*"):
        assert not FAILED.search(log.read_text(errors="replace")), log
    assert wrong_members(archive) == []
    members = read_root(archive)
    assert members["srv/ftp"].gid == 11
    bash = bytearray(read_file(archive, "usr/bin/bash")[:20])
    bash[7], bash[16] = 0, 2  # whatever EI_OSABI, and ET_EXEC in place of ET_DYN
    assert bash == elf_header(architecture)
    assert "usr/bin/tree" in members
    assert b"messagebus" in read_file(archive, "etc/passwd"), "a hook adds it"
    assert members["usr/lib/locale/locale-archive"].size, "locale-gen has run"
    mirrorlist = read_file(archive, platform.distro.mirrorlist).decode()
    assert re.findall(r"^Server = (.*)$", mirrorlist, re.MULTILINE)[0] == (
        platform.distro.mirrors.url
    )
