"""Failed hooks and scriptlets are told, and those without which no image boots end a build."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.errors import HostError, ImageError
from aimager.model.architecture import Architecture
from aimager.model.workshop import Workshop
from aimager.system.hook_check import check_hooks
from aimager.system.hook_failures import Failure

HERE = Path("/here")
WORKSHOP = Workshop(HERE, HERE, HERE, Path("/log"))
SYSUSERS = Failure("the hook sysusers.hook", None, ("no such group",), boots=False)
INITRAMFS = Failure("the hook initramfs.hook", None, ("no such module",), boots=True)


def test_good_ones_are_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    check_hooks([], Architecture.riscv64, WORKSHOP)
    assert capsys.readouterr().out == ""


def test_one_that_an_image_boots_without_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    check_hooks([SYSUSERS], Architecture.riscv64, WORKSHOP)
    assert capsys.readouterr().out == (
        "   the hook sysusers.hook failed:\n    no such group\n    (all output is in /log)\n"
    )


def test_one_that_makes_what_an_image_boots_from_ends_the_build(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ImageError) as caught:
        check_hooks([SYSUSERS, INITRAMFS], Architecture.riscv64, WORKSHOP)
    assert caught.value.message == (
        "the hook initramfs.hook failed, without which the image may not boot:\n    no such module"
    )
    assert "failed-hooks=tell" in caught.value.hint
    assert "sysusers.hook" in capsys.readouterr().out, "what failed before it is told, too"


def test_the_user_may_want_it_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    check_hooks([INITRAMFS], Architecture.riscv64, replace(WORKSHOP, forgives=True))
    assert "the hook initramfs.hook failed:\n    no such module" in capsys.readouterr().out


def test_instructions_that_nobody_knows_end_the_build() -> None:
    # What qemu-loongarch64 7.2, which has no LSX, makes of packages that use it.
    illegal = Failure("the scriptlet of the package glibc", signal.SIGILL, (), boots=False)
    with pytest.raises(HostError) as caught:
        check_hooks([SYSUSERS, illegal], Architecture.loong64, WORKSHOP)
    assert caught.value.message == (
        "the CPU or QEMU lacks an instruction that loong64's packages use"
    )
    assert "qemu-loongarch64" in caught.value.hint
