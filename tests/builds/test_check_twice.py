"""check-twice=yes, on packages whose hooks are tidy, and on one whose hook is not."""

from pathlib import Path

from tests.builds.test_failed_hooks import make_package
from tests.support.cells import HOST
from tests.support.doit_output import without_speakers
from tests.support.seed import Copies

HOOK = """\
[Trigger]
Type = Package
Operation = Install
Target = {name}

[Action]
Description = Drawing...
When = PostTransaction
Exec = /usr/bin/sh -c "{command}"
"""
UNTIDY = "cat /proc/sys/kernel/random/uuid > /var/lib/drawn; mktemp /var/lib/drawn.XXXXXXXX"


def test_what_hooks_make_otherwise_is_named(copies: Copies, tmp_path: Path) -> None:
    doit = copies("twice", HOST)
    for name, command in (("tidy", "echo same > /var/lib/drawn"), ("untidy", UNTIDY)):
        hook = HOOK.format(name=name, command=command)
        hooks = {f"usr/share/libalpm/hooks/91-{name}.hook": hook}
        make_package(tmp_path / "packages", HOST.platform, name, **hooks)
    words = (
        *(f"distro={HOST.platform.distro.id}", f"packages={tmp_path / 'packages'}"),
        "check-twice=yes",
    )
    said = doit.build(*words, "install-pkgs=tidy")
    assert said.count("was made twice, and is the same both times") == 2
    said = doit.refuse(*words, "install-pkgs=untidy")
    assert "   differs: /var/lib/drawn: content\n" in without_speakers(said)
    assert "when it was made again, in 3 paths: /var/lib/drawn, /var/lib/drawn." in said
