"""What gpg holds of every key of the real keyrings beside the tests, at several dates.

``python -m tests.support.key_verdicts [GPG]`` records it anew in verdicts.json, with the gpg that
is named or the host's.
"""

import json
import lzma
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.support.gpg_verdicts import Gpg

FOLDER = Path(__file__).parent.parent / "packages/keyrings"
RECORD = FOLDER / "verdicts.json"

_ARCH = (
    "2AC0A42EFB0B5CBC7A0402ED4DC95B6D7BE9892E",
    "3572FA2A1B067F22C58AF155F8B821B42A6FDCD7",
    "69E6471E3AE065297529832E6BA0F5A2037F4F41",
    "99B6618472A3B3B814185BAED7D3D823B88BDB9B",
    "D8AFDDA07A5B6EDFA7D8CCDAD6D055F927843F1C",
)
_ARM_2014 = (
    "02922214DE8981D14DC2ACABBC704E86B823CD25",
    "9D22B7BB678DC056B1F7723CB55C5315DCD9EE1A",
    "69DD6C8FD314223E14362848BF7EEF7A9C6B5765",
)
_ARCH32 = (
    "194E37A47A4C671807BACB37B1117BC1094EA6E9",
    "CE0BDE71A759A87F23F0F7D8B61DBCE10901C163",
    "A0B250C0FC9FC079EC04ADB7A50C0F20AEC3AF00",
    "D92CDDC155BCC8F550B5FCEC30AB721FE7400FCD",
    "2FF1E976D6EB2E954A87DC14443904EC9EC51A8A",
)
_BLACKARCH = (
    "8F9A9793CB8591147C2EC70566E0CDBD1E01F333",
    "A0917C4147A37007CB54C1CFD295AA940EFDDF62",
    "CBA3C7D4798912702DCF568E67D8BDF42AD93F4E",
    "4345771566D76038C7FEB43863EC0ADBEA87E4E3",
)


@dataclass(frozen=True)
class RealKeyring:
    """Files of the folder that make a keyring, and which of its keys are pinned."""

    files: tuple[str, ...]
    pinned: tuple[str, ...]

    def read(self) -> tuple[bytes, ...]:
        """What is in the files."""
        return tuple(
            lzma.decompress(data) if name.endswith(".xz") else data
            for name in self.files
            for data in [(FOLDER / name).read_bytes()]
        )


_WHOLE = "archlinux-20260909.gpg.xz"
KEYRINGS = {
    "archlinux": RealKeyring((_WHOLE,), _ARCH),
    "archlinux and newer copies": RealKeyring(
        ("02FD1C7A-eworm-2026-09.gpg", "BC08D317-direct-key-signatures.gpg", _WHOLE), _ARCH
    ),
    "archlinuxarm": RealKeyring(
        ("archlinuxarm-20240419.gpg",), ("68B3537F39A313B3E574D06777193F152BDBE6A6",)
    ),
    "archlinuxarm of 2014": RealKeyring(("archlinuxarm-20140119.gpg",), _ARM_2014),
    "archlinux32": RealKeyring(("archlinux32.gpg",), _ARCH32),
    "blackarch": RealKeyring(("blackarch.gpg",), _BLACKARCH),
    "kiro": RealKeyring(("kiro.gpg",), ("D9658D546AD48015CABC612B149ABD0C3A0563EE",)),
    "arcolinux": RealKeyring(("arcolinux.gpg",), ()),
}
DATES = ("2017-06-01", "2021-01-01", "2024-06-01", "2026-09-10", "2028-01-01")


def seconds(date: str) -> int:
    """A date's first second."""
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp())


def ask_gpg(program: str, keyring: RealKeyring, date: str) -> dict[str, str]:
    """What gpg holds of each key at a date (`Gpg.keys`), by fingerprint."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        paths = []
        for file, data in zip(keyring.files, keyring.read(), strict=True):
            paths.append(folder / file)
            paths[-1].write_bytes(data)
        gpg = Gpg(program, folder / "home", seconds(date))
        gpg.populate(keyring.pinned, paths)
        return gpg.keys()


def record(program: str) -> str:
    """All that gpg holds, as JSON."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found: dict[str, dict[str, dict[str, str]]] = {
        name: {date: ask_gpg(program, keyring, date) for date in DATES}
        for name, keyring in KEYRINGS.items()
    }
    version = said.stdout.splitlines()[0].split()[-1]
    return json.dumps({"gpg": version, "keyrings": found}, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    RECORD.write_text(record(sys.argv[1] if len(sys.argv) > 1 else "gpg"))
