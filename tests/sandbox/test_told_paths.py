"""Paths that only a build sees are told in words."""

from pathlib import Path

import pytest

from aimager.errors import CommandError, HostError, TrustError
from aimager.sandbox.namespace import call
from aimager.sandbox.told_paths import ToldPaths
from tests.support import namespaced

WORK = Path("/home/me/cache/work/12-ab/install-packages.archlinux-x86_64")
TOLD = ToldPaths(
    (Path("/w"), WORK),
    (WORK.parent / "view/pack-image/x/root.tar", WORK.parent / "view/a/b/lock.json"),
)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("tar: /run/image/etc/x: No space", "tar: /etc/x of the image: No space"),
        ("cannot open '/run/image/etc/x'.", "cannot open '/etc/x of the image'."),
        ("see /run/image/etc/x.conf.", "see /etc/x.conf of the image."),
        ("/run/image is full", "/ of the image is full"),
        ("/run/images/x and /srv/run/image/x stay", "/run/images/x and /srv/run/image/x stay"),
        ("error: /run/packages/a-1.pkg.tar.zst: bad", "error: a-1.pkg.tar.zst: bad"),
        ("/run/pacman/pacman.conf, line 3", "pacman.conf, line 3"),
        (f"{WORK}/root/usr/bin/a: busy", "/usr/bin/a of the image: busy"),
        (f"{WORK}/root.run/x: busy", "/run/x of the image: busy"),
        (f"{WORK}/root: busy", "/ of the image: busy"),
        (f"mke2fs {WORK}/part-root.img: full", "mke2fs part-root.img: full"),
        ("mke2fs /w/part-root.img: full", "mke2fs part-root.img: full"),
        (f"in {WORK}: full", "in the work folder: full"),
        (f"{WORK}x/root stays", f"{WORK}x/root stays"),
        (f"{WORK.parent}/view/pack-image/x/.root.tar.a1b2_c3d: x", "root.tar: x"),
        (f"{WORK.parent}/view/pack-image/x/root.tar: x", "root.tar: x"),
        (f"({WORK.parent}/view/a/b/lock.json)", "(lock.json)"),
        (f"{WORK.parent}/view/a/b/lock.json2", f"{WORK.parent}/view/a/b/lock.json2"),
        ("/etc/x of the image, /home/me/a.tar", "/etc/x of the image, /home/me/a.tar"),
    ],
)
def test_in_words(said: str, told: str) -> None:
    assert TOLD.in_words(said) == told
    assert TOLD.in_all([[said], 3, said]) == [[told], 3, told]


def test_no_path_of_a_call_leaves_it(tmp_path: Path) -> None:
    """Neither in messages, nor in hints, nor in what programs said last, nor by the system."""
    work, product = tmp_path / "some-task.of-a-subject", tmp_path / "view/made.img"
    for kind, raised in (("trust", TrustError), ("command", CommandError), ("system", HostError)):
        with pytest.raises(raised) as caught:
            place = namespaced.Place(work, f"{kind} {product}")
            call(namespaced.fail_about_paths, place, work=work, products=[product])
        assert str(tmp_path) not in str(caught.value)
        assert "/run/" not in str(caught.value)
        assert "/etc/x of the image" in str(caught.value)
        assert ("made.img" in str(caught.value)) == (kind != "system")
