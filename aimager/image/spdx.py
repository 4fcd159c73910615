"""The packages of an image as a document of SPDX 2.3, in JSON."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from aimager.codec import fingerprint
from aimager.errors import ImageError
from aimager.image.spdx_license import join_licenses
from aimager.model.lock import LockedPackage
from aimager.packages.dependencies import bare_name
from aimager.packages.local_database import InstalledPackage
from aimager.uuids import derive_uuid

_DOCUMENT = "SPDXRef-DOCUMENT"
_NONE = "NOASSERTION"
_GIVEN = "It came with a root archive that was given, and was not verified."
_PACKAGER = re.compile(r"(.*\S)\s*<([^<>\s]+@[^<>\s]+)>")


@dataclass(frozen=True)
class Subject:
    """What a document is about: the build, whose packages its distribution's ``vendor`` made.

    ``vendor`` is the namespace of its package URLs, ``epoch`` the document's time in seconds.
    """

    build: str
    vendor: str
    epoch: int


def spdx_text(
    subject: Subject,
    packages: Sequence[LockedPackage],
    installed: Mapping[str, InstalledPackage],
    *,
    given: Sequence[InstalledPackage] = (),
) -> str:
    """The document for ``packages``, ``installed`` being the image's record of them.

    ``given`` came with a root archive of the user's: only their record is known.

    :raises ImageError: when the image has no record of one of them
    """
    _refuse_unrecorded(packages, installed)
    locked: dict[str, LockedPackage | None] = {package.name: package for package in packages}
    known = {name: installed[name] for name in locked} | {
        package.name: package for package in given
    }
    described = [
        _package(subject, locked.get(name), package) for name, package in sorted(known.items())
    ]
    relations = [(_DOCUMENT, "DESCRIBES", item["SPDXID"]) for item in described]
    relations += _dependencies([package for _, package in sorted(known.items())])
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": subject.build,
        # The form that the specification (6.5) gives to makers without a site of their own.
        "documentNamespace": f"https://spdx.org/spdxdocs/{subject.build}-"
        + derive_uuid(fingerprint([subject.epoch, described, list(map(list, relations))]), "SPDX"),
        "creationInfo": {"created": _time(subject.epoch), "creators": ["Tool: aimager"]},
        "packages": described,
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relations
        ],
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _refuse_unrecorded(
    packages: Sequence[LockedPackage], installed: Mapping[str, InstalledPackage]
) -> None:
    for package in packages:
        if package.name not in installed:
            raise ImageError(
                f"the image has no record of {package}, which is in its lock",
                hint="a hook or script has removed the package: the log of install-packages has"
                " what each said",
            )


def _time(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _id(name: str) -> str:
    """An SPDX id for a package: letters, digits, dots and dashes (7.2)."""
    return "SPDXRef-Package-" + re.sub(
        r"[^A-Za-z0-9.-]", lambda found: f".{ord(found[0]):02X}.", name
    )


def _package(
    subject: Subject, locked: LockedPackage | None, known: InstalledPackage
) -> dict[str, Any]:
    declared = join_licenses(known.licenses)
    described = {
        "SPDXID": _id(known.name),
        "name": known.name,
        "versionInfo": (locked or known).version,
        "supplier": _supplier(known.packager),
        "downloadLocation": _NONE,
        "filesAnalyzed": False,
        "licenseConcluded": _NONE,
        "licenseDeclared": declared or _NONE,
        "copyrightText": _NONE,
        "builtDate": _time(locked.build_date if locked else known.build_date),
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": package_url(subject.vendor, locked or known),
            }
        ],
    }
    if locked:
        described["packageFileName"] = locked.file
        described["checksums"] = [{"algorithm": "SHA256", "checksumValue": locked.sha256}]
    else:
        described["comment"] = _GIVEN
    if known.licenses and not declared:
        described["licenseComments"] = "The package declares: " + ", ".join(known.licenses)
    if re.fullmatch(r"(https?|ftp)://[\w.-]+(:\d+)?(/\S*)?", known.url, re.ASCII):
        described["homepage"] = known.url
    return described


def package_url(vendor: str, package: LockedPackage | InstalledPackage) -> str:
    """The package's purl, of the type ``alpm`` (package-url's purl-spec)."""
    name, version = (quote(part, safe=":") for part in (package.name, package.version))
    return f"pkg:alpm/{vendor}/{name}@{version}?arch={package.architecture}"


def _supplier(packager: str) -> str:
    found = _PACKAGER.fullmatch(packager)
    return f"Person: {found[1]} ({found[2]})" if found else _NONE


def _dependencies(packages: Sequence[InstalledPackage]) -> Iterator[tuple[str, str, str]]:
    """Which of ``packages`` depends on which: on the one of that name, or else on all providers.

    Where several versions are provided, as of a library, the same version is taken.
    """
    names = {package.name for package in packages}
    providers: dict[str, set[str]] = {}
    for package in packages:
        for provided in package.provides:
            for key in {provided, bare_name(provided)}:
                providers.setdefault(key, set()).add(package.name)
    for package in packages:
        found: set[str] = set()
        for dependency in package.depends:
            name = bare_name(dependency)
            found |= (
                {name} if name in names else providers.get(dependency, providers.get(name, set()))
            )
        for name in sorted(found - {package.name}):
            yield _id(package.name), "DEPENDS_ON", _id(name)
