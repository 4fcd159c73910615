"""An initramfs that is made again, because its maker's configuration is the user's own."""

import hashlib
from typing import Protocol

from aimager import progress
from aimager.errors import CommandError, ConfigError
from aimager.sandbox.tree import Tree
from aimager.system.initramfs import DRACUT_SCRIPT
from aimager.system.universal_conf import preset_configurations

_CONFIGURATIONS = (
    "etc/mkinitcpio.conf",
    "etc/mkinitcpio.conf.d/*",
    "etc/mkinitcpio.d/*",
    "etc/initcpio/*/*",
    "etc/booster.yaml",
    "etc/dracut.conf",
    "etc/dracut.conf.d/*",
    "etc/crypttab.initramfs",
    "etc/lvm/lvm.conf",
    "etc/mdadm.conf",
    "etc/modprobe.d/*",
    "etc/plymouth/plymouthd.conf",
    "etc/vconsole.conf",
)
"""What mkinitcpio, booster and dracut read of a machine's own, besides what packages bring."""

_NAME = "remake-initramfs"
_SCRIPT = """\
status=0
if [ -e /usr/bin/mkinitcpio ]; then
    mkinitcpio -P || status=1
fi
if [ -e /usr/bin/booster ]; then
    for base in /usr/lib/modules/*/pkgbase; do
        image=/boot/booster-$(cat "$base").img
        [ -e "$image" ] || continue
        version=${base%/pkgbase}
        booster build --force --kernel-version "${version##*/}" "$image" || status=1
    done
fi
if [ -e /usr/bin/dracut ]; then
    sh /run/dracut-initramfs || status=1
fi
exit $status
"""


class Runner(Protocol):
    """A root whose programs can be run; ``runtime`` is its /run."""

    tree: Tree
    runtime: Tree

    def run(self, argv: list[str], /) -> str:
        """Run one of them."""


def initramfs_configuration(tree: Tree) -> str:
    """A digest of all that makers read of a machine's own."""
    digest = hashlib.sha256()
    paths = {path for pattern in _CONFIGURATIONS for path in tree.glob(pattern)}
    for path in sorted(paths | preset_configurations(tree)):
        if tree.is_file(path):
            content = tree.read_bytes(path)
            digest.update(f"{path}\0{len(content)}\0".encode(errors="surrogateescape"))
            digest.update(content)
    return digest.hexdigest()


def remake_initramfs(image: Runner) -> None:
    """Make every initramfs of the image again, as its hooks would on the device.

    :raises ConfigError: when a maker fails
    """
    progress.step("making the initramfs again")
    image.runtime.write("dracut-initramfs", DRACUT_SCRIPT)
    image.runtime.write(_NAME, _SCRIPT)
    try:
        image.run(["sh", f"/run/{_NAME}"])
    except CommandError as error:
        said = "".join(f"\n    {line}" for line in error.tail.strip().splitlines())
        raise ConfigError(
            "the initramfs cannot be made by the configuration that files=, overlay= or keymap="
            " brings:"
            f"{said or ' its maker said nothing'}",
            hint="correct what lies in /etc/mkinitcpio.conf, /etc/booster.yaml, /etc/dracut.conf or"
            " beside them; the log has all that was said",
        ) from error
    finally:
        for name in (_NAME, "dracut-initramfs"):
            image.runtime.unlink(name)
