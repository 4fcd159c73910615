"""The files of two sides that can be compared, where those of a partition cannot be read in one."""

from collections.abc import Mapping

from aimager.image.compare.contents import Contents, Form
from aimager.image.compare.entry import Entry

Entries = Mapping[str, Entry]


def common_files(one: Contents, other: Contents) -> tuple[Entries, Entries] | None:
    """The entries of each side without those of partitions that the other cannot read.

    What an image does not mount because its root cannot be read has the other one's paths. None:
    one is an archive, and there is no root to compare it with.
    """
    if not (one.unread or other.unread):
        return one.entries, other.entries
    if one.form is not other.form and not any(map(_has_root, (one, other))):
        return None
    return _without_unread(one, other), _without_unread(other, one)


def _has_root(contents: Contents) -> bool:
    """Whether it is an image whose root is read."""
    places = contents.places.items()
    return contents.form is Form.image and any(
        place == "/" and number not in contents.unread for number, place in places
    )


def _without_unread(own: Contents, other: Contents) -> Entries:
    unread = own.unread | other.unread
    hidden = {places[n] for n in unread for places in (own.places, other.places) if n in places}
    moved = {
        place: other.places[number]
        for number, place in own.places.items()
        if not place.startswith("/") and number in other.places
    }
    tops = sorted({*own.places.values(), *hidden}, key=len, reverse=True)
    found = {}
    for path, entry in own.entries.items():
        top = next((top for top in tops if f"{path}/".startswith(top)), "")
        is_mount_point = top in (path, f"{path}/") and "/" in hidden  # which is the root's, in FAT
        if top not in hidden and not is_mount_point:
            found[_moved(path, top, moved[top]) if top in moved else path] = entry
    return found


def _moved(path: str, top: str, place: str) -> str:
    """The path below ``place`` of what is below ``top``."""
    below = path[len(top) :]
    return f"{place}{below}" if below else place.rstrip("/") or "/"
