"""What somebody who may write to a shared store does to a product there, and what is said of it."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aimager.codec import encode
from aimager.model.remote import RecordTrust
from aimager.openssh import SigningKey
from aimager.products.remote import store
from aimager.products.remote.signed import NAMESPACE
from aimager.products.task import CachedTask
from tests.products.test_products import task_on
from tests.support.cells import flip_byte
from tests.support.signers import allow, make_key, trust_in
from tests.support.staged import build


@dataclass(frozen=True)
class Place:
    """The folder of two machines and of what they share, whose store has been filled by one."""

    folder: Path
    source: Path

    @property
    def record(self) -> Path:
        """The record of the product in the store."""
        (record,) = (self.folder / "store").rglob("record.json")
        return record

    @property
    def signature(self) -> Path:
        """Its signature."""
        return self.record.with_name("record.json.sig")

    @property
    def key(self) -> Path:
        """The key that has signed it."""
        key = trust_in(self.folder).key
        assert key
        return key

    def resign(self, key: Path, namespace: str = NAMESPACE) -> None:
        """Sign the record as it is now."""
        self.signature.write_bytes(SigningKey(key).sign(self.record.read_bytes(), namespace))

    def other(self, trust: RecordTrust | None = None) -> CachedTask:
        """The other machine, which has no key, but knows who may sign."""
        shared = trust_in(self.folder)
        only = RecordTrust(allowed=shared.allowed)
        return task_on(self.folder / "two", self.source, trust=trust or only)


def change_a_byte(place: Place) -> str:
    flip_byte(place.record)
    return "incorrect signature"


def forge_a_file(place: Place) -> str:
    """Whoever may write to the store lets the record fit another file."""
    forged = store.describe(forge(place.record.with_name("loud.txt")))
    entry = store.parse_entry(place.record.read_bytes())
    assert entry
    write(place, dataclasses.replace(entry, files=(forged,)))
    return "incorrect signature"


def forge_unsigned(place: Place) -> str:
    forge_a_file(place)
    place.signature.unlink()
    return "it is not signed"


def forge_with_another_key(place: Place) -> str:
    forge_a_file(place)
    place.resign(make_key(place.folder / "mallory"))
    return "nobody who is named in "


def forge_with_what_was_signed_for_another_purpose(place: Place) -> str:
    """Such as a file that the user signed with sign=, which has the form of a record."""
    forge_a_file(place)
    place.resign(place.key, "file")
    return "namespace does not match"


def sign_in_parts(place: Place) -> str:
    place.record.write_bytes(place.record.read_bytes() + b" ")
    return "incorrect signature"


def take_off_the_signature(place: Place) -> str:
    place.signature.unlink()
    return "it is not signed"


def damage_the_signature(place: Place) -> str:
    place.signature.write_bytes(
        place.signature.read_bytes()[: -len(b"-----END SSH SIGNATURE-----")]
    )
    return "missing footer"


def sign_by_nothing(place: Place) -> str:
    place.signature.write_bytes(b"")
    return "missing header"


def bloat_the_signature(place: Place) -> str:
    with place.signature.open("ab") as stream:
        stream.truncate(1 << 40)
    return "it is not signed"


def nest_the_record(place: Place) -> str:
    place.record.write_bytes(b"[" * 500_000)
    return "incorrect signature"


def move_from_another_id(place: Place) -> str:
    """A good record of another product, whose file is what the attacker wants to be taken."""
    folder = place.record.parent
    shutil.rmtree(place.folder / "store")
    build(task_on(place.folder / "three", place.source, words=("evil",)))
    moved = place.record.parent
    moved.rename(folder)
    return f"its record is that of product/shout/{moved.name}"


def move_from_another_task(place: Place) -> str:
    entry = store.parse_entry(place.record.read_bytes())
    assert entry
    write(place, dataclasses.replace(entry, folder=entry.folder.replace("shout", "whisper\x1b[2J")))
    place.resign(place.key)
    return "its record is that of product/whisper\\x1b[2J/"


def sign_what_is_no_record(place: Place) -> str:
    place.record.write_text("{}\n")
    place.resign(place.key)
    return "its record is damaged"


def leave_the_place_out(place: Place) -> str:
    entry = store.parse_entry(place.record.read_bytes())
    assert entry
    write(place, dataclasses.replace(entry, folder=""))
    place.resign(place.key)
    return "its record is that of "


def let_it_expire(place: Place) -> str:
    allow(allowed(place), place.key, options='valid-before="20200101"')
    return "key has expired"


def let_it_begin_later(place: Place) -> str:
    allow(allowed(place), place.key, options='valid-after="20990101"')
    return "key is not yet valid"


def allow_it_for_git_only(place: Place) -> str:
    allow(allowed(place), place.key, options='namespaces="git"')
    return "not permitted for use in signature namespace"


def allow_nobody(place: Place) -> str:
    allowed(place).write_text("# nobody yet\n")
    return "nobody who is named in "


def lose_the_list(place: Place) -> str:
    """It was there when the command line was read."""
    allowed(place).unlink()
    return "No such file or directory"


def allowed(place: Place) -> Path:
    """The list of signers."""
    path = trust_in(place.folder).allowed
    assert path
    return path


def forge(path: Path) -> Path:
    """Another product."""
    path.write_text("HELLO THERF")
    return path


def write(place: Place, entry: store.Entry) -> None:
    """Let the record be this one."""
    place.record.write_text(json.dumps(encode(entry), indent=1, sort_keys=True) + "\n")


ATTACKS: tuple[Callable[[Place], str], ...] = (
    change_a_byte,
    forge_a_file,
    forge_unsigned,
    forge_with_another_key,
    forge_with_what_was_signed_for_another_purpose,
    sign_in_parts,
    take_off_the_signature,
    damage_the_signature,
    sign_by_nothing,
    bloat_the_signature,
    nest_the_record,
    move_from_another_id,
    move_from_another_task,
    sign_what_is_no_record,
    leave_the_place_out,
    let_it_expire,
    let_it_begin_later,
    allow_it_for_git_only,
    allow_nobody,
    lose_the_list,
)
"""Each returns the reason for which the product is not taken."""
