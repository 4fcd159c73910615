"""``doit verify`` refuses what it cannot verify in a sentence, and tells what differs."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aimager.commands.verify.published import read_published
from aimager.commands.verify.rebuild import find_words
from aimager.commands.verify.run import explain, verify_image
from aimager.config.build import read_build
from aimager.errors import ConfigError, ImageError
from aimager.files import sha256
from aimager.image.manifest import Built, Result, checksums_text, manifest_text, measure
from aimager.model.lock import Lock, LockedPackage
from aimager.packages.lock_file import (
    LockedBuild,
    LockFile,
    format_lock_file,
    join_locks,
)
from tests.image.test_compare_archives import archive
from tests.support.digests import Digests
from tests.support.locked import make_package
from tests.support.runs import Doit

BUILD = "archlinux-x86_64-x64-uefi"
WORDS = {"board": "x64-uefi", "hostname": "pc", "chpasswd": "root:x", "files": "motd:/etc/motd"}
AGAIN = {"chpasswd": "root:z", "files": "motd:/etc/motd"}
PACKAGES = (make_package("bash"), make_package("zlib"))


def lock_file(*packages: LockedPackage, build: str = BUILD) -> LockFile:
    distro, architecture, board = build.split("-", 2)
    locked = LockedBuild(distro, architecture, board, (), "host", "")
    return join_locks({build: Lock("archlinux-x86_64", (), packages)}, locked)


def publish(folder: Path, *, products: str = "a", **changed: dict[str, Any]) -> Path:
    """What a build publishes of an archive; returns its manifest."""
    folder.mkdir()
    (folder.parent / "motd").write_text("hello\n")
    build = read_build(WORDS, folder.parent)
    assert build
    root = archive(folder / "root.tar", **changed)
    with Digests(1) as digests:
        results = [measure(root, digests)]
    text = manifest_text(
        Built(BUILD, "Arch Linux", 1),
        PACKAGES,
        {},
        {"install-packages:x": products},
        results,
        recipe=build.whole_recipe,
    )
    path = folder / "manifest.json"
    path.write_text(text)
    own = Result(path.name, len(text), sha256(path))
    (folder / "SHA256SUMS").write_text(checksums_text([*results, own]))
    (folder / "image.lock").write_text(format_lock_file(lock_file(*PACKAGES)))
    return path


def change(manifest: Path, **told: object) -> Path:
    """Another manifest, without checksums."""
    data = json.loads(manifest.read_text())
    left_out = {name for name, value in told.items() if value is None}
    kept = {name: value for name, value in {**data, **told}.items() if name not in left_out}
    manifest.write_text(json.dumps(kept))
    manifest.with_name("SHA256SUMS").unlink()
    return manifest


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"words": None}, "was made by an older aimager"),
        ({"source_date_epoch": "x"}, "is damaged"),
        ({"words": {"hostname": 5}}, "is damaged"),
        ({"words": {"scripts": "/etc/passwd"}}, "sets scripts=, which no manifest does"),
        ({"words": {"trust-key": "AB"}}, "sets trust-key=, which no manifest does"),
        ({"words": {"table": "@/etc/passwd"}}, "sets table=, which no manifest does"),
        ({"words": {"remote": "/srv"}}, "sets remote=, which no manifest does"),
        ({"words": {"frob": "1"}}, "sets frob=, which no manifest does"),
        ({"words": {"create": "@/etc/passwd"}}, "sets create=, which no manifest does"),
        ({"words": {"tools": "host"}}, "sets tools=, which no manifest does"),
        ({"words": {"hostname": "a\x1b"}}, r"is damaged.*hostname=a.*is not a valid host name"),
        ({"words": {"append-all": "x" * 120_000}}, "have 120010 bytes, and verify takes 120000"),
        ({"given_again": ["out"]}, "sets out=, which no manifest does"),
        ({"given_again": ["lock"]}, "sets lock=, which no manifest does"),
        ({"source_date_epoch": 10**20}, "is damaged.*is not a time"),
        *(
            ({"results": [{"name": name, "size": 1, "sha256": "0" * 64}]}, "no file can be called")
            for name in ("../motd", "/etc/passwd", "", ".", "..", "a\0", "\ud800", "a" * 256)
        ),
        ({"packages": 7}, "is not a manifest"),
    ],
)
def test_manifests_that_are_not_followed(told: dict[str, Any], said: str, tmp_path: Path) -> None:
    manifest = publish(tmp_path / "p")
    with pytest.raises(ConfigError, match=said):
        read_published(change(manifest, **told))


def test_damaged_files_are_named(tmp_path: Path) -> None:
    manifest = publish(tmp_path / "p")
    assert read_published(manifest).build == BUILD
    root = manifest.with_name("root.tar")
    whole = root.read_bytes()
    root.write_bytes(whole[:-1] + b"x")
    with pytest.raises(ImageError, match=r"the published root\.tar is damaged.* its SHA-256"):
        read_published(manifest)
    root.unlink()  # nobody has to keep all
    assert read_published(manifest)
    sums = manifest.with_name("SHA256SUMS")
    text = sums.read_text()
    sums.write_text("0" * 64 + text[64:])
    with pytest.raises(ImageError, match=r"root\.tar is damaged.*SHA256SUMS has another"):
        read_published(manifest)
    sums.write_text(text)
    manifest.write_text(manifest.read_text() + " ")
    with pytest.raises(ImageError, match=r"manifest\.json is damaged"):
        read_published(manifest)


def given(folder: Path, **changed: str | None) -> dict[str, str]:
    words = {"lock": str(folder / "p/image.lock"), **AGAIN, **changed}
    return {name: text for name, text in words.items() if text is not None}


def test_the_words_of_the_build_are_found(tmp_path: Path) -> None:
    published = read_published(publish(tmp_path / "p"))
    lock = str(tmp_path / "p/image.lock")
    words = find_words(published, given(tmp_path), tmp_path)
    assert words == {"hostname": "pc", **AGAIN, "lock": lock}
    mirror = given(tmp_path, hostname="pc", **{"repo-url-parent": "https://mirror.example"})
    assert find_words(published, mirror, tmp_path)["repo-url-parent"] == "https://mirror.example"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"chpasswd": None}, "chpasswd= has to be given again: it is secret"),
        ({"files": None}, "files= has to be given again: it is of files"),
        ({"files": "other:/etc/motd"}, "are not those .*: chpasswd=, files= or the board"),
        ({"timezone": "Asia/Tokyo"}, "the settings are not those"),
        ({"hostname": "mac"}, "hostname=mac is not what the image was built with: pc"),
        ({"out": "x"}, "out= has no place"),
        ({"remote": "/srv/store"}, "remote= has no place"),
    ],
)
def test_words_that_do_not_fit(changed: dict[str, str | None], said: str, tmp_path: Path) -> None:
    published = read_published(publish(tmp_path / "p"))
    (tmp_path / "other").write_text("something else\n")
    with pytest.raises(ConfigError, match=said):
        find_words(published, given(tmp_path, **changed), tmp_path)


def test_what_differs_is_told(tmp_path: Path) -> None:
    published = read_published(publish(tmp_path / "p"))
    same = publish(tmp_path / "same")
    assert list(explain(published, same.parent)) == []
    other = publish(tmp_path / "other", products="b", long={"mode": 0o600}, null={"mode": 0o600})
    assert list(explain(published, other.parent))[:4] == [
        "NOT equal: root.tar, manifest.json",
        "other code of aimager, or another host: install-packages:x; take the version of aimager"
        " that the image was built with",
        "the first path of root.tar that differs: /long: mode 0644 -> 0600",
        "   files: 3 changed",
    ]
    published.beside("root.tar").unlink()
    assert list(explain(published, other.parent))[-1] == (
        "of these no image lies beside the manifest, so how they differ is not known"
    )


def test_a_manifest_that_alone_differs(tmp_path: Path) -> None:
    published = read_published(publish(tmp_path / "p"))
    again = change(publish(tmp_path / "same"), epoch=2, logins=["root"])
    assert list(explain(published, again.parent)) == [
        "NOT equal: manifest.json",
        "   settings: 2 changed",
        "      epoch: 1 -> 2",
        '      logins: [] -> ["root"]',
    ]
    again.write_text(published.manifest.path.read_text() + " ")
    assert list(explain(published, again.parent)) == [
        "NOT equal: manifest.json",
        "   in how it is written, or in what it says of a package beside its version",
    ]


def test_an_image_that_cannot_be_read_differs_all_the_same(tmp_path: Path) -> None:
    manifest = publish(tmp_path / "p")
    manifest.with_name("root.tar").write_text("no archive")
    named = {"name": "root.tar", "size": 10, "sha256": sha256(manifest.with_name("root.tar"))}
    published = read_published(change(manifest, results=[named]))
    told = list(explain(published, publish(tmp_path / "again").parent))
    assert told[0] == "NOT equal: root.tar, manifest.json"
    assert told[-1].startswith("how root.tar differs is not known: ")


def test_both_files_are_needed(tmp_path: Path) -> None:
    manifest = publish(tmp_path / "p")
    lock = manifest.with_name("image.lock")
    with pytest.raises(ConfigError, match="verify needs manifest="):
        verify_image({"lock": str(lock)}, tmp_path)
    with pytest.raises(ConfigError, match="chpasswd= has to be given again"):
        verify_image({"manifest": str(manifest)}, tmp_path)  # the lock file is found
    manifest.with_name("other.lock").touch()
    with pytest.raises(ConfigError, match=r"verify needs lock=: several files \*\.lock lie beside"):
        verify_image({"manifest": str(manifest)}, tmp_path)
    lock.unlink()
    manifest.with_name("other.lock").unlink()
    with pytest.raises(ConfigError, match=r"verify needs lock=: no file \*\.lock lies beside"):
        verify_image({"manifest": str(manifest), "lock": ""}, tmp_path)


def test_it_ends_as_diff_does(tmp_path: Path) -> None:
    manifest = publish(tmp_path / "p")
    doit = Doit(tmp_path, ())
    command = doit.command("verify", f"manifest={manifest}", f"lock={tmp_path / 'p/image.lock'}")
    done = subprocess.run(
        [word for word in command if not word.startswith("out=")],
        cwd=doit.start,
        env=doit.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.startswith("ERROR: chpasswd= has to be given again"), done


def test_a_rebuild_ends_with_who_has_begun_it() -> None:
    """Also where that was killed: the pipe ends when both are gone."""
    sleeping = "print('begun', flush=True); import time; time.sleep(1000)"
    beginning = (
        "import os, sys; from pathlib import Path; from aimager.commands.verify import rebuild;"
        " rebuild._run([sys.executable, '-c', sys.argv[1]], os.environ, Path())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", beginning, sleeping], stderr=subprocess.PIPE, text=True
    ) as began:
        assert began.stderr
        assert began.stderr.readline() == "begun\n"
        began.send_signal(signal.SIGKILL)
        assert began.stderr.read() == ""
