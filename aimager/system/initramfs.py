"""Has the initramfs makers make images for any machine, not for the one that builds.

The configuration for that is undone once the packages are installed, so that an update on the
device makes what the distribution intends.
"""

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath

from aimager import progress
from aimager.packages.hooks import SYSTEM
from aimager.sandbox.chroot import Chroot
from aimager.sandbox.tree import Tree, shown

_HOOK = """\
[Trigger]
Type = Path
Operation = Install
Operation = Upgrade
Target = usr/lib/modules/*/
Target = usr/lib/initcpio/*
Target = usr/bin/booster
Target = usr/bin/mkinitcpio
Target = usr/bin/dracut

[Action]
Description = Preparing for an initramfs for any machine...
When = PostTransaction
Exec = /usr/bin/sh /run/universal-initramfs
"""
"""Hooks run in the order of their names, so before the initramfs makers' own, which start with 60
and more."""

_NAME = "00-universal-initramfs.hook"

_DRACUT_HOOK = """\
[Trigger]
Type = Path
Operation = Install
Operation = Upgrade
Target = usr/lib/modules/*/pkgbase
Target = usr/bin/dracut

[Action]
Description = Having dracut make each kernel's initramfs, where it is installed...
When = PostTransaction
Exec = /usr/bin/sh /run/dracut-initramfs
"""
"""Not every distribution's dracut has a hook of its own."""

_DRACUT_NAME = "zz-dracut-initramfs.hook"
_DRACUT_OWN = "90-dracut-install.hook"
"""The usual name of such a hook, which would make an initramfs for this machine alone."""
_DRACUT_SCRIPT = """\
[ -e /usr/bin/dracut ] || exit 0
kept=/var/tmp/dracut-kept
for base in /usr/lib/modules/*/pkgbase; do
    folder=${base%/pkgbase}
    name=$(cat "$base")
    [ -s "$folder/vmlinuz" ] || continue
    install -Dm644 "$folder/vmlinuz" "/boot/vmlinuz-$name"
    while
        rm -rf "$kept" && mkdir "$kept" || exit
        dracut --force --no-hostonly --reproducible --keep --tmpdir "$kept" \\
            --kver "${folder##*/}" "/boot/initramfs-$name.img"
        status=$?
        ls "$kept" | grep -q '\\.ko'
    do
        echo "dracut is run again: its folder $(ls "$kept") hides the programs from it"
    done
    rm -rf "$kept"
    [ "$status" = 0 ] || failed=$status
done
exit "${failed:-0}"
"""
"""dracut leaves out the libraries of every program where its temporary folder, ``dracut.`` and six
random letters, begins with ``ko``: it looks for programs with ``-not -path '*.ko*'`` (dracut.sh of
106; later ones look at the name alone). One image of 3,844 would not boot."""
_DROP_IN = "etc/mkinitcpio.conf.d/zz-universal.conf"
_MKINITCPIO = "etc/mkinitcpio.conf"
_BOOSTER = "etc/booster.yaml"

_DONE = "universal-initramfs.done"

_SCRIPT = f"""\
if [ -e /usr/bin/mkinitcpio ]; then
    mkdir -p /etc/mkinitcpio.conf.d
    cat > /{_DROP_IN} << 'END'
universal=()
for hook in "${{HOOKS[@]}}"; do
    [[ $hook == autodetect ]] || universal+=("$hook")
done
HOOKS=("${{universal[@]}}")
unset universal hook
END
    # A preset may name this file with -c, and then no drop-in is read (mkinitcpio(8)).
    if [ -e /{_MKINITCPIO} ]; then
        cp -p /{_MKINITCPIO} /run/mkinitcpio.conf
        cat /{_DROP_IN} >> /{_MKINITCPIO}
    fi
fi
if [ -e /usr/bin/booster ]; then
    if [ -e /{_BOOSTER} ]; then
        cp -p /{_BOOSTER} /run/booster.yaml
    fi
    echo 'universal: true' >> /{_BOOSTER}
fi
touch /run/{_DONE}
"""


@contextmanager
def universal(image: Chroot, hooks: Path) -> Iterator[None]:
    """While in the block, initramfs makers that are installed in ``image`` leave nothing out.

    mkinitcpio reads the machine that it runs on in its hook autodetect (mkinitcpio.conf(5));
    booster does so unless its configuration says ``universal``; dracut is run by us, in place of
    its own hook, with options that its configuration does not have.
    """
    tree, run = image.tree, image.runtime
    hooks.mkdir(exist_ok=True)
    (hooks / _NAME).write_text(_HOOK)
    (hooks / _DRACUT_NAME).write_text(_DRACUT_HOOK)
    (hooks / _DRACUT_OWN).unlink(missing_ok=True)
    (hooks / _DRACUT_OWN).symlink_to("/dev/null")
    run.write("universal-initramfs", _SCRIPT)
    run.write("dracut-initramfs", _DRACUT_SCRIPT)
    folder = PurePath(_DROP_IN).parent
    had_folder = tree.exists(folder)
    try:
        yield
    finally:
        tree.unlink(_DROP_IN)
        if not had_folder and not tree.names(folder):
            tree.remove(folder)
        if run.exists(_DONE):
            _put_back(tree, _MKINITCPIO, run, "mkinitcpio.conf")
            _put_back(tree, _BOOSTER, run, "booster.yaml")


def tell_overridden(tree: Tree, folders: Sequence[str]) -> None:
    """Name the hooks in ``folders`` of the root that ours take the place of, but for packages'."""
    for folder in folders:
        for name in (_NAME, _DRACUT_NAME, _DRACUT_OWN) if folder != SYSTEM else ():
            if tree.lstat(f"{folder}/{name}"):
                progress.say(
                    f"   the hook {shown(f'{folder}/{name}')} is not run while the image is made:"
                    " one of aimager's, for an initramfs for any machine, takes its place"
                )


def _put_back(tree: Tree, path: str, run: Tree, saved: str) -> None:
    """Give a configuration its content, mode and times again, or remove it if it is new."""
    if status := run.stat(saved):
        times = (status.st_atime_ns, status.st_mtime_ns)
        tree.write(path, run.read_bytes(saved), stat.S_IMODE(status.st_mode), times=times)
    else:
        tree.unlink(path)
