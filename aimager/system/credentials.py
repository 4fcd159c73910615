"""Set-up that the first boot takes from systemd's credentials (systemd.system-credentials(7)).

systemd takes them from a virtual machine's firmware itself; an image boots without systemd-stub,
which would bring those of the boot partition, so that a unit of ours does.
"""

import re

from aimager.resources import read_data
from aimager.sandbox.tree import Tree
from aimager.system.first_boot import enable

_UNITS = "etc/systemd/system"
_WIZARD = "systemd-firstboot.service"
_COURIER = "boot-credentials.service"
_SHADOW = "etc/shadow"
_LOCKED_ROOT = re.compile(r"^root:[!*][^:]*:", re.MULTILINE)
_TO_BE_SET = "root:!unprovisioned:"
"""What tells systemd-firstboot that root has no password yet (its should_configure())."""


def take_credentials(tree: Tree) -> None:
    """Let the first boot of the image in ``tree``, which is prepared for it, heed credentials.

    It still asks nothing. A password that root has stays.
    """
    tree.unlink(f"{_UNITS}/{_WIZARD}")  # which masks it
    drop_in = read_data("aimager.system", "content/ask-nothing.conf")
    tree.write(f"{_UNITS}/{_WIZARD}.d/ask-nothing.conf", drop_in, 0o644)
    script = read_data("aimager.system", "content/boot-credentials")
    tree.write("usr/local/lib/boot-credentials", script, 0o755)
    tree.write(f"{_UNITS}/{_COURIER}", read_data("aimager.system", f"content/{_COURIER}"), 0o644)
    for unit in (_WIZARD, _COURIER):
        enable(tree, unit, "sysinit.target")
    preset = "".join(f"enable {unit}\n" for unit in (_WIZARD, _COURIER))
    tree.write("etc/systemd/system-preset/45-credentials.preset", preset, 0o644)
    if tree.is_file(_SHADOW):
        tree.write(_SHADOW, _LOCKED_ROOT.sub(_TO_BE_SET, tree.read_text(_SHADOW)))
