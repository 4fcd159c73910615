"""Files that a root's programs read from folders, whoever has put them there."""

from collections.abc import Sequence

from aimager.sandbox.tree import Tree


def files_at(tree: Tree, pattern: str) -> list[str]:
    """The paths that match shell wildcards and lead to regular files, sorted.

    A link to /dev/null is how one masks such a file, and a folder is passed over as well.
    """
    return [path for path in tree.glob(pattern) if tree.is_file(path)]


def drop_ins(tree: Tree, folders: Sequence[str], pattern: str) -> list[str]:
    """Those that count of the files that match below ``folders``, in the order of their names.

    Of two with one name that in the later folder counts, and where that is masked, none
    (systemd.preset(5), systemd.unit(5)).
    """
    found = {}
    for folder in folders:
        for path in tree.glob(f"{folder}/{pattern}"):
            found[path.removeprefix(f"{folder}/")] = path
    return [found[name] for name in sorted(found) if tree.is_file(found[name])]
