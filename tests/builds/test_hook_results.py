"""What is made in a root of its own is what the image's programs make: indexes, and a locale."""

import re
import tarfile
from pathlib import Path

from aimager.sandbox.results import RESULT, decode_result
from aimager.stand_in.entry import arrange_entries, make_link
from aimager.stand_in.metadata import Metadata
from aimager.stand_in.package_file import write_package
from tests.support import quick_init
from tests.support.odd_packages import DATE
from tests.support.runs import Doit
from tests.support.seed import Copies

HOOK = "60-depmod.hook"
COMES_WITH_THE_KERNEL = {"modules.builtin", "modules.builtin.modinfo", "modules.order"}


def own(folder: Path, name: str) -> tuple[str, ...]:
    """The words that add a package with a link to the hook by this name, as a hook or not."""
    folder.mkdir()
    link = make_link(name, f"/usr/share/libalpm/hooks/{HOOK}")
    metadata = Metadata("hooked", "1-1", "x86_64", "A link of one's own", "", DATE)
    write_package(folder, metadata, arrange_entries([link], DATE))
    return f"packages={folder}", "install-pkgs=hooked"


def build(doit: Doit, *words: str) -> tuple[dict[str, tuple[int, bytes]], str]:
    """The mode and content of each file of the index in an image, and the log."""
    doit.build(*words, "create=root.tar")
    found = {}
    with tarfile.open(doit.out / "archlinux-x86_64-quick/root.tar") as archive:
        for member in archive:
            place = re.fullmatch(r"\./usr/lib/modules/[^/]+/(modules\.[^/]+)", member.name)
            if place and (content := archive.extractfile(member)):
                found[place[1]] = (member.mode, content.read())
    return found, (doit.cache / "log/install-packages:archlinux-x86_64-quick.log").read_text()


def test_it_is_the_same(copies: Copies, tmp_path: Path) -> None:
    doit = copies("hook-results")
    words = quick_init.words(tmp_path)
    # Its name has the kernel installed again, on the board's system, which others may have made.
    ours, log = build(doit, *words, *own(tmp_path / "unused", "etc/booster.unused"))
    ((version, how, key),) = re.findall(
        r"^aimager: the index of the modules of (\S+) was (.+): (\w{64})$", log, re.MULTILINE
    )
    assert version and how in ("remembered", "made in a root of its own")
    theirs, log = build(doit, *words, *own(tmp_path / "used", f"etc/pacman.d/hooks/{HOOK}"))
    assert "the index of the modules" not in log
    assert theirs.keys() > COMES_WITH_THE_KERNEL
    assert ours == theirs
    kept = doit.cache / "product/hook-results/all" / key / RESULT
    assert decode_result(key, kept.read_bytes()) == {
        name: content for name, (_, content) in theirs.items() if name not in COMES_WITH_THE_KERNEL
    }


def test_the_default_locale_is_what_locale_gen_makes(copies: Copies, tmp_path: Path) -> None:
    script = tmp_path / "compare"
    script.write_text(
        "#!/bin/sh -e\n"
        "cd /usr/lib/locale\n"
        "cp -p locale-archive /tmp/before\n"
        "locale-gen\n"
        "cmp locale-archive /tmp/before\n"
        'test "$(stat -c "%a %u %g" locale-archive)" = "$(stat -c "%a %u %g" /tmp/before)"\n'
    )
    doit = copies("hook-results")
    doit.build(*quick_init.words(tmp_path), f"scripts={script}", "create=root.tar")
    kept = (doit.cache / "product/hook-results/all").glob(f"*/{RESULT}")
    found = [list(decode_result(path.parent.name, path.read_bytes())) for path in kept]
    assert ["locale-archive"] in found, "it was not made by locale-gen before"
