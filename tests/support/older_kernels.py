"""A stand-in mirror as it was some days ago: a kernel's package had an older kernel."""

import hashlib
from dataclasses import replace
from pathlib import Path

from aimager.model.distro import Platform
from aimager.stand_in.apt import open_archive
from aimager.stand_in.convert import convert_package
from aimager.stand_in.deb import read_deb
from aimager.stand_in.kernel_debs import is_part
from aimager.stand_in.plan import plan_packages
from aimager.stand_in.ports import PORTS
from aimager.stand_in.recipes import list_recipes, list_wanted_debs
from aimager.stand_in.signing import SigningKey
from tests.support.mirror_variant import Entry, replace_package


def put_older_kernel(
    mirror: Path, work: Path, key: SigningKey, platform: Platform, package: str
) -> Entry:
    """Give ``package``, a kernel's, the oldest one that Debian has; return it as it was.

    ``mirror`` is a copy of one's own, and ``work`` the folder that the mirror was made in.

    :raises AimagerError: when Debian's archive is out of reach
    """
    port = PORTS[platform.architecture.value]
    recipe = replace(list_recipes(port.arch)[package], older=True)
    recipes = {package: recipe}
    archive = open_archive(port.debian, port.suites, work / f"apt-{port.debian}")
    wanted = list_wanted_debs(recipes, archive.list_names())
    debs = {n: read_deb(path) for n, path in archive.download(wanted).items() if is_part(n)}
    (job,) = plan_packages(port.arch, recipes, debs, work / "older", key.fingerprint)
    made = convert_package(job, key)
    return replace_package(
        mirror,
        platform,
        package,
        made.file,
        VERSION=made.built.metadata.version,
        CSIZE=made.file.stat().st_size,
        SHA256SUM=hashlib.sha256(made.file.read_bytes()).hexdigest(),
    )
