"""Whether the ids of a build are enough for the owners that an image's files and accounts have.

A user namespace knows the ids that are mapped to it, and no others: chown(2) to another one is
EINVAL there (user_namespaces(7)), after which many a program goes on and leaves the file to root.
"""

import errno
import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from aimager import progress
from aimager.errors import CommandError, HostError
from aimager.sandbox.accounts import read_accounts, read_groups
from aimager.sandbox.drop_ins import files_at
from aimager.sandbox.id_map import Extent
from aimager.sandbox.tree import Tree, shown
from aimager.units import count

_NO_OWNER = re.compile(r"\(Can't set user=(?P<user>\d+)/group=(?P<group>\d+) for (?P<path>.+)\)$")
"""What libarchive warns of, and pacman goes on after: the file is root's then."""

_NOT_CHANGED = re.compile(
    r"tar: (?P<path>.+): Cannot change ownership to uid (?P<user>\d+), gid (?P<group>\d+): Invalid"
)
"""What GNU tar complains of."""

_NO_LIST = re.compile(
    r"^tar: (?:acl_set_file_at: Cannot set POSIX ACLs for file '+(?P<path>.+?)'+"
    r"|(?P<named>.+): Warning: Cannot acl_from_text): (?P<why>.+)$"
)
"""What GNU tar warns of (its xattrs.c), and ends well after. pacman takes no access lists out of
packages: it has no ARCHIVE_EXTRACT_ACL (libalpm, add.c)."""

_LISTED = re.compile(r"(?:default:)?(user|group):(\d{1,10}):", re.IGNORECASE)
_LISTED_BY_NAME = re.compile(r"(?:default:)?(user|group):[^:]+:[^:]*:(\d{1,10})", re.IGNORECASE)
"""Who an entry of an access list is for (acl(5)); star appends the number to a name."""

_REFUSED = re.compile(
    r"(?:\b\w*chown(?:at)?\b|(?:^|[\s/])(?:chgrp|setfacl):|\bownership\b|\bpreserve owner"
    r"|\bchang(?:e|ing) (?:the )?(?:owner|group)\b|\brunas [ug]id\b"
    r"|\bset (?:(?:user|group|user/group) id|[ug]id)\b|\bset\w*[ug]id\b)"
    r".*(?:: Invalid argument(?: \(22\))?\.?|\(Invalid argument\))$",
    re.IGNORECASE,
)
"""What coreutils, busybox, rsync and systemd-tmpfiles say where chown(2) is EINVAL, and what su and
others where setuid(2) is."""

_QUOTED = re.compile(r"['`\"].*['\"]")
"""Names of files, which may be any words."""

_SYSUSERS = "usr/lib/sysusers.d/*.conf"


@dataclass(frozen=True)
class HeldIds:
    """The user and group ids that there are in a namespace."""

    users: tuple[Extent, ...]
    groups: tuple[Extent, ...]

    @property
    def are_roots(self) -> bool:
        """Whether the machine's root, or a container's, has mapped them."""
        return any(extent.inside == extent.outside == 0 for extent in self.users)

    def lacking(self, user: int | None, group: int | None) -> int | None:
        """The larger of the two ids, as far as it is not held; None where both are."""
        lacking = [user] if user is not None and not _holds(self.users, user) else []
        lacking += [group] if group is not None and not _holds(self.groups, group) else []
        return max(lacking, default=None)

    def error(self, what: str, largest: int) -> HostError:
        """The error for ``what``, which needs ids up to ``largest``."""
        if self.are_roots:
            return HostError(f"{what}, and root has no such id here", hint=self.advice(largest))
        message = f"{what}, and your subordinate ids do not go that far"
        return HostError(message, hint=self.advice(largest))

    def advice(self, largest: int | None = None) -> str:
        """What to do to have ids up to ``largest``, or where nobody knows which, more of them."""
        if self.are_roots:
            ids = f"the ids up to {largest}" if largest else "more ids"
            return f"start the container with a map of {ids}, or build outside of it"
        count = f"{largest} ids or more" if largest else "more ids"
        return f"the administrator can give you a range of {count} in /etc/subuid and /etc/subgid"


def held_ids() -> HeldIds:
    """Those of this process (user_namespaces(7), "User and group ID mappings")."""
    users, groups = (_read_map(Path(f"/proc/self/{kind}_map")) for kind in ("uid", "gid"))
    return HeldIds(users, groups)


def _read_map(path: Path) -> tuple[Extent, ...]:
    lines = (map(int, line.split()) for line in path.read_text().splitlines())
    return tuple(Extent(*numbers) for numbers in lines)


def _holds(extents: Iterable[Extent], number: int) -> bool:
    return any(e.inside <= number < e.inside + e.count for e in extents)


def refuse_owner(path: str, user: int, group: int, ids: HeldIds, of: str = "") -> None:
    """Refuse a file at ``path`` (``of`` names the archive that it is in) of an owner not held.

    :raises HostError: when the namespace lacks its user or group
    """
    if largest := ids.lacking(user, group):
        raise ids.error(f"{path}{of} belongs to {user}:{group}", largest)


def refuse_lost_owner(said: str, top: PurePath | str = "", of: str = "") -> None:
    """Refuse files that a program ``said`` it could not give their owners.

    ``top`` is where it saw the root that they are in, and ``of`` names the archive of theirs.

    :raises HostError: when there is one
    """
    for line in said.split("\n"):
        if found := _NO_OWNER.search(line) or _NOT_CHANGED.search(line):
            path = found["path"].removeprefix(f"{top}/").removeprefix("./")
            user, group = int(found["user"]), int(found["group"])
            refuse_owner(path, user, group, held_ids(), of)
            # It had fewer than this process has.
            raise HeldIds((), ()).error(f"{path}{of} belongs to {user}:{group}", max(user, group))


def refuse_list(path: str, entries: str, ids: HeldIds, of: str = "") -> None:
    """Refuse a file at ``path`` whose access list has ``entries`` for ids that are not held.

    :raises HostError: when it has one
    """
    for entry in re.split(r"[,\n]", entries):
        if found := _LISTED.match(entry) or _LISTED_BY_NAME.match(entry):
            number = int(found[2])
            by_user = found[1].lower() == "user"
            if largest := ids.lacking(number if by_user else None, None if by_user else number):
                what = f"{path}{of} has an access list for the {found[1].lower()} {number}"
                raise ids.error(what, largest)


def heed_lost_lists(said: str, of: str = "") -> None:
    """Refuse files that tar ``said`` it could not give their access lists for want of ids.

    Where it knows no names, or the file system keeps no lists, that is told. ``of`` names the
    archive that they are in.

    :raises HostError: when there is one
    """
    lost = dict[str, list[str]]()
    for found in filter(None, (_NO_LIST.search(line) for line in said.split("\n"))):
        path = (found["path"] or found["named"]).removeprefix("./")
        if found["named"]:
            lost.setdefault("names in it are not known where it is unpacked", []).append(path)
        elif found["why"] == os.strerror(errno.EINVAL):
            raise HostError(
                f"{path}{of} has an access list for ids that this build does not have",
                hint=held_ids().advice(),
            )
        else:
            lost.setdefault(found["why"], []).append(path)
    for why, paths in lost.items():
        more = f", and {count(len(paths) - 1, 'other file')}," if paths[1:] else ""
        progress.say(f"   the access list of {paths[0]}{more}{of} is lost: {why}")


@contextmanager
def told_owners(of: str) -> Iterator[None]:
    """Let a program that fails in the block for a file's owner, of an archive, tell that alone.

    :raises HostError: in its place
    """
    try:
        yield
    except CommandError as error:
        refuse_lost_owner(error.tail, of=of)
        raise


def refused_owners(lines: Iterable[str]) -> tuple[str, ...]:
    """Those of the ``lines`` by which a program says that it was refused a file's owner."""
    return tuple(line for line in lines if _REFUSED.search(_QUOTED.sub("", line)))


def refuse_accounts(tree: Tree, ids: HeldIds, added: Collection[str] = ()) -> None:
    """Refuse users and groups in ``tree`` that can own no file, not even their homes.

    ``added`` are the users that the build's own variable asks for.

    :raises HostError: when there is one with an id that is not held
    """
    for account in read_accounts(tree):
        if largest := ids.lacking(account.user, account.group):
            if account.name in added:
                raise ids.error(f"useradd= gives the user {account.name} the id {largest}", largest)
            raise ids.error(_account(tree, "user", account.name, largest), largest)
    for name, group in read_groups(tree).items():
        if largest := ids.lacking(None, group):
            raise ids.error(_account(tree, "group", name, largest), largest)


def _account(tree: Tree, kind: str, name: str, number: int) -> str:
    asking = re.compile(rf"^\s*[ug]!?\s+{re.escape(name)}\s", re.MULTILINE)
    files = files_at(tree, _SYSUSERS)
    path = next((path for path in files if asking.search(tree.read_text(path))), "")
    by = f" by {shown(path)}" if path else ""
    return f"the {kind} {name} of the image is given the id {number}{by}"
