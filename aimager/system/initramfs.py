"""Has the initramfs makers make images for any machine, not for the one that builds.

The configuration for that is undone once the packages are installed, so that an update on the
device makes what the distribution intends.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aimager import progress
from aimager.packages.hooks import SYSTEM
from aimager.sandbox.chroot import Chroot
from aimager.sandbox.tree import Tree, shown
from aimager.system.universal_conf import (
    BOOSTER,
    DROP_IN,
    MKINITCPIO,
    UNIVERSAL,
    WITHOUT_AUTODETECT,
    drop_in_removed,
    put_back,
)

_HOOK = """\
[Trigger]
Type = Path
Operation = Install
Operation = Upgrade
Target = usr/lib/modules/*/
Target = usr/lib/initcpio/*
Target = usr/lib/firmware/*
Target = usr/lib/systemd/systemd
Target = usr/src/*/dkms.conf
Target = usr/bin/booster
Target = usr/bin/cryptsetup
Target = usr/bin/lvm
Target = usr/bin/mkinitcpio
Target = usr/bin/dracut

[Action]
Description = Preparing for an initramfs for any machine...
When = PostTransaction
Exec = /usr/bin/sh /run/universal-initramfs
"""
"""Hooks run in the order of their names, so before the initramfs makers' own, which start with 60
and more. The targets are those of mkinitcpio's 90-mkinitcpio-install.hook, and makers' programs."""

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
DRACUT_SCRIPT = """\
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

CONSOLE = "etc/vconsole.conf"
KEYMAP = "KEYMAP=us"
"""What an image has for its console unless a package says otherwise (vconsole.conf(5))."""

_SAVED = "universal-initramfs.saved"
_NAMED = "universal-initramfs.named"

_SCRIPT = f"""\
mkdir -p /run/{_SAVED}
save() {{
    [ -f "$1" ] && [ ! -L "$1" ] && [ ! -e "/run/{_SAVED}$1" ] || return 1
    mkdir -p "/run/{_SAVED}${{1%/*}}"
    cp -p "$1" "/run/{_SAVED}$1"
}}
# Makers copy it, and the hook sd-vconsole of mkinitcpio 39.2 and 40 fails without.
for maker in booster dracut mkinitcpio; do
    if [ -e /usr/bin/$maker ] && [ ! -e /{CONSOLE} ] && [ ! -L /{CONSOLE} ]; then
        echo {KEYMAP} > /{CONSOLE}
        chmod 644 /{CONSOLE}
    fi
done
if [ -e /usr/bin/mkinitcpio ]; then
    mkdir -p /etc/mkinitcpio.conf.d
    cat > /{DROP_IN} << 'END'
{WITHOUT_AUTODETECT}END
    # A preset may name a file with -c, and then no drop-in is read (mkinitcpio(8)).
    cat > /run/{_NAMED} << 'END'
s/^[[:blank:]]*[[:alnum:]_]+_config=["']?/=/
s/^[[:blank:]]*[[:alnum:]_]+_options=(.*["'([:blank:]])?(-c|--config)[ =]*["']?/=/
s/^=([^"'#()[:space:]]+).*/\\1/p
END
    cat /etc/mkinitcpio.d/*.preset > /run/{_NAMED}.in 2> /dev/null || :
    for file in /{MKINITCPIO} $(sed -nEf /run/{_NAMED} /run/{_NAMED}.in); do
        if save "$file"; then cat /{DROP_IN} >> "$file"; fi
    done
fi
if [ -e /usr/bin/booster ]; then
    if save /{BOOSTER}; then
        grep -av '^universal[[:blank:]]*:' /run/{_SAVED}/{BOOSTER} > /{BOOSTER} || [ $? = 1 ]
    fi
    printf '%s\n' '{UNIVERSAL.strip()}' >> /{BOOSTER}
fi
"""


@contextmanager
def universal(image: Chroot, hooks: Path) -> Iterator[None]:
    """While in the block, initramfs makers in ``image`` make one for any machine.

    mkinitcpio reads the machine that it runs on in its hook autodetect (mkinitcpio.conf(5)), which
    also keeps its hook kms small, so that both are left out where it has both;
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
    run.write("dracut-initramfs", DRACUT_SCRIPT)
    try:
        with drop_in_removed(tree):
            yield
    finally:
        if run.is_dir(_SAVED):
            saved = (path for path, _ in run.walk(_SAVED) if run.is_file(f"{_SAVED}/{path}"))
            for path in sorted({BOOSTER, *saved}):
                put_back(tree, path, run, f"{_SAVED}/{path}")


def tell_overridden(tree: Tree, folders: Sequence[str]) -> None:
    """Name the hooks in ``folders`` of the root that ours take the place of, but for packages'."""
    for folder in folders:
        for name in (_NAME, _DRACUT_NAME, _DRACUT_OWN) if folder != SYSTEM else ():
            if tree.lstat(f"{folder}/{name}"):
                progress.say(
                    f"   the hook {shown(f'{folder}/{name}')} is not run while the image is made:"
                    " one of aimager's, for an initramfs for any machine, takes its place"
                )
