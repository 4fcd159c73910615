"""Reading what doit says."""

import ast

from tests.support.doit_output import STAGES, Reason, read_output, stage_of, subject_of
from tests.support.places import ROOT

SAID = """\
-- fetch-pacman-static:x86_64
.  sync-databases:archlinux-x86_64
.  resolve-packages:archlinux-x86_64-x64-uefi
resolve-packages: the database extra changed
-- make-rootfs-archive:archlinux-x86_64
.  install-packages:archlinux-x86_64-x64-uefi
   install-packages: nano 8.7-1 added
   installed 1 package
.  pack-image:archlinux-x86_64-x64-uefi
pack-image:archlinux-x86_64-x64-uefi: hostname: a -> b
.  build
   /out/archlinux-x86_64-x64-uefi/disk.img
TaskFailed - taskid:pack-image:archlinux-x86_64-x64-uefi
"""


def test_tasks() -> None:
    said = read_output(SAID)
    assert said.ran == (
        "sync-databases:archlinux-x86_64",
        "resolve-packages:archlinux-x86_64-x64-uefi",
        "install-packages:archlinux-x86_64-x64-uefi",
        "pack-image:archlinux-x86_64-x64-uefi",
    )
    assert said.skipped == (
        "fetch-pacman-static:x86_64",
        "make-rootfs-archive:archlinux-x86_64",
    )
    assert said.stages == {"sync-databases", "resolve-packages", "install-packages", "pack-image"}


def test_reasons() -> None:
    said = read_output(SAID)
    assert said.reasons == (
        Reason("resolve-packages", "", "the database extra changed"),
        Reason("install-packages", "", "nano 8.7-1 added"),
        Reason("pack-image", "archlinux-x86_64-x64-uefi", "hostname: a -> b"),
    )
    assert said.reasons_of("install-packages") == ["nano 8.7-1 added"]
    assert said.reasons_of("keyring-init") == []
    assert said.count() == {"resolve-packages": 1, "install-packages": 1, "pack-image": 1}


def test_what_was_found_there_was_not_executed() -> None:
    said = read_output(
        "install-packages: it has not been made before\n"
        "keyring-init:archlinux-x86_64: another build has made it meanwhile\n"
        "pack-image: it is there by now\n"
        "install-packages:other: it is the same as that of archlinux-x86_64-x64-uefi\n"
    )
    assert said.count() == {"install-packages": 1}


def test_what_why_says() -> None:
    said = read_output(
        ".  why\nkeyring-init:archlinux-x86_64: up to date\npack-image: hostname: a -> b\n"
    )
    assert said.skipped == ("keyring-init:archlinux-x86_64",)
    assert said.reasons == (Reason("pack-image", "", "hostname: a -> b"),)
    assert said.ran == ()


def test_nothing_was_said() -> None:
    said = read_output("")
    assert (said.ran, said.skipped, said.reasons) == ((), (), ())


def test_every_stage_is_a_task() -> None:
    graph = ast.parse((ROOT / "dodo.py").read_text())
    functions = [node.name for node in graph.body if isinstance(node, ast.FunctionDef)]
    tasks = {name.removeprefix("task_").replace("_", "-") for name in functions}
    assert set(STAGES) <= tasks


def test_names() -> None:
    task = "make-rootfs-archive:archlinux-x86_64.borrowed"
    assert stage_of(task) == "make-rootfs-archive"
    assert subject_of(task) == "archlinux-x86_64.borrowed"
