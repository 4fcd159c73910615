"""The SPDX document is a good one by the specification's own library, and always the same."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from aimager.errors import ImageError
from aimager.image.spdx import Subject, package_url, spdx_text
from aimager.packages.local_database import InstalledPackage
from tests.support.locked import make_package
from tests.support.places import GOLDEN

SUBJECT = Subject("archlinux-x86_64-none", "arch", 1_700_000_000)


def known(name: str, **changes: Any) -> InstalledPackage:
    package = InstalledPackage(
        name=name,
        version="1.0-1",
        url=f"https://example.org/{name}",
        packager="Jan Doe <jan@example.org>",
        licenses=("GPL-3.0-or-later",),
        depends=(),
        provides=(),
    )
    return replace(package, **changes)


LOCKED = [
    make_package("bash"),
    make_package("glibc", version="2.42+r3-1", architecture="aarch64"),
    make_package("gtk+"),
    make_package("openssl", version="1:3.5-1"),
    make_package("openssl-1.1"),
    make_package("sudo@x"),
]
INSTALLED = {
    package.name: package
    for package in (
        known(
            "bash", depends=("glibc>=2", "gtk+"), provides=("sh",), licenses=("MIT OR ISC", "0BSD")
        ),
        known("glibc", url="", packager="Unknown Packager", licenses=("GPL", "LGPL")),
        known("gtk+", url="see the file", licenses=()),
        known("openssl", provides=("libssl.so=3-64", "ssl"), licenses=("LicenseRef-own",)),
        known("openssl-1.1", provides=("libssl.so=1.1-64", "ssl=1.1"), depends=("ssl",)),
        known("sudo@x", depends=("sh", "libssl.so=3-64", "gone", "sudo@x")),
    )
}


def document() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(spdx_text(SUBJECT, LOCKED, INSTALLED))
    return value


def test_text() -> None:
    assert spdx_text(SUBJECT, LOCKED, INSTALLED) == (GOLDEN / "packages.spdx.json").read_text()


def test_it_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "packages.spdx.json"
    path.write_text(spdx_text(SUBJECT, LOCKED, INSTALLED))
    parsed = parse_file(str(path))
    assert [message.validation_message for message in validate_full_spdx_document(parsed)] == []
    assert {package.name for package in parsed.packages} == {p.name for p in LOCKED}


def test_dependencies() -> None:
    names = {item["SPDXID"]: item["name"] for item in document()["packages"]}
    found = {
        (names[item["spdxElementId"]], names[item["relatedSpdxElement"]])
        for item in document()["relationships"]
        if item["relationshipType"] == "DEPENDS_ON"
    }
    assert found == {
        ("bash", "glibc"),
        ("bash", "gtk+"),
        ("openssl-1.1", "openssl"),
        ("sudo@x", "bash"),
        ("sudo@x", "openssl"),
    }


def test_the_namespace_tells_documents_apart() -> None:
    one = document()["documentNamespace"]
    other = {**INSTALLED, "bash": known("bash", licenses=("MIT",))}
    later = replace(SUBJECT, epoch=SUBJECT.epoch + 1)
    texts = [spdx_text(SUBJECT, LOCKED, other), spdx_text(later, LOCKED, INSTALLED)]
    namespaces = {one, *(json.loads(text)["documentNamespace"] for text in texts)}
    assert len(namespaces) == 3
    assert all(SUBJECT.build in namespace for namespace in namespaces)


def test_package_urls() -> None:
    package = make_package("gtk+", version="1:2.0+r1~rc-1", architecture="any")
    assert package_url("arch", package) == "pkg:alpm/arch/gtk%2B@1:2.0%2Br1~rc-1?arch=any"


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(ImageError, match=r"^the image has no record of bash 1\.0-1"):
        spdx_text(SUBJECT, LOCKED, {})


def test_what_came_with_an_archive_has_no_checksum_and_says_so() -> None:
    given = [known("zsh", depends=("glibc",), architecture="x86_64", build_date=0), known("acl")]
    value = json.loads(spdx_text(SUBJECT, LOCKED, INSTALLED, given=given))
    assert [p["name"] for p in value["packages"]] == sorted([*INSTALLED, "zsh", "acl"])
    told = {package["name"]: package for package in value["packages"]}
    assert "was not verified" in told["zsh"]["comment"]
    assert not {"checksums", "packageFileName"} & told["zsh"].keys()
    assert told["zsh"]["builtDate"] == "1970-01-01T00:00:00Z"
    locator = told["zsh"]["externalRefs"][0]["referenceLocator"]
    assert locator == "pkg:alpm/arch/zsh@1.0-1?arch=x86_64"
    assert "comment" not in told["bash"]
    relation = {
        "spdxElementId": told["zsh"]["SPDXID"],
        "relationshipType": "DEPENDS_ON",
        "relatedSpdxElement": told["glibc"]["SPDXID"],
    }
    assert relation in value["relationships"]
