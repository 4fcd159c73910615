"""Has the initramfs makers make images for any machine, not for the one that builds.

The configuration for that is undone once the packages are installed, so that an update on the
device makes what the distribution intends.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aimager.sandbox.chroot import Chroot

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
    root, run = image.root, image.run
    hooks.mkdir(exist_ok=True)
    (hooks / _NAME).write_text(_HOOK)
    (hooks / _DRACUT_NAME).write_text(_DRACUT_HOOK)
    (hooks / _DRACUT_OWN).unlink(missing_ok=True)
    (hooks / _DRACUT_OWN).symlink_to("/dev/null")
    (run / "universal-initramfs").write_text(_SCRIPT)
    (run / "dracut-initramfs").write_text(_DRACUT_SCRIPT)
    drop_in = root / _DROP_IN
    had_folder = drop_in.parent.exists()
    try:
        yield
    finally:
        drop_in.unlink(missing_ok=True)
        if not had_folder and drop_in.parent.is_dir() and not any(drop_in.parent.iterdir()):
            drop_in.parent.rmdir()
        if (run / _DONE).exists():
            _put_back(root / _MKINITCPIO, run / "mkinitcpio.conf")
            _put_back(root / _BOOSTER, run / "booster.yaml")


def _put_back(path: Path, saved: Path) -> None:
    """Give a configuration its content and times again, or remove it if it is new."""
    if saved.exists():
        path.write_bytes(saved.read_bytes())
        shutil.copystat(saved, path)
    else:
        path.unlink(missing_ok=True)
