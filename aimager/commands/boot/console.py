"""What a machine says on its serial port while it boots, and how it is read."""

import re

LOGIN_PROMPT = re.compile(r"^\S+ login: ?", re.MULTILINE)

LOGIN_OR_MENU = re.compile(
    LOGIN_PROMPT.pattern
    # systemd-boot and syslinux; U-Boot, which takes no empty answer
    + r"|(?P<menu>Boot in \d+ s|Automatic boot in \d+ second)|(?P<list>Enter choice: )",
    re.MULTILINE,
)
"""The same, or what a boot menu says while it waits for a choice."""

DEAD_ENDS = {
    "the kernel panicked": re.compile(r"Kernel panic - "),
    "it came up in emergency mode": re.compile(
        r"You are in emergency mode|Entering emergency mode|root account is locked\. See sulogin"
    ),
    "its initramfs gave up and opened a shell": re.compile(
        r"dropped into an emergency shell|job control turned off"
    ),
    "it asks a question on its console": re.compile(r"[Pp]ress any key to (?:proceed|continue)"),
    "the firmware found nothing to boot": re.compile(
        r"UEFI Interactive Shell|No bootable option or device was found|No bootable device\."
        r"|^=> ",  # U-Boot's prompt
        re.MULTILINE,
    ),
}

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P_^][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>7-9cM]"
)
"""ECMA-48 control sequences and strings: colours, cursor moves, titles."""

KERNEL_MESSAGE = re.compile(r"\[ *\d+\.\d{6}\] .*\n")
"""What the kernel says between two bytes of what programs say."""

HALTED = "reboot: Power off not available: System halted"
"""The last of what a kernel says that is off, but cannot switch its machine off."""

SHELL_PROMPT = re.compile(r"Login incorrect|(?:^|\S)[#$] ", re.MULTILINE)


def plain(text: str) -> str:
    """``text`` without control sequences and carriage returns."""
    return _CONTROL.sub("", text.replace("\r", ""))
