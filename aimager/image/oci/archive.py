"""An OCI image as one file: the archive of a layout, whose layers are the states of a tree.

::

    base      the platform's own archive, byte for byte: what all its images have in common
    packages  what was installed on it
    settings  what setting the system up changed
"""

import io
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from aimager import files, progress
from aimager.archive import add_paths, tree_stream
from aimager.compression import opened
from aimager.digests import Sums, summed_meanwhile
from aimager.image.oci.difference import Difference, State, find_difference, read_state
from aimager.image.oci.layout import Layer, Told, blob_path, layer_blob, make_documents
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox

_CHUNK = 1 << 20


class Layers:
    """The layers of an image, of which the first is the root archive ``base``, made in ``work``.

    Times after ``epoch``, in seconds since 1970, become it in all others.
    """

    def __init__(self, tools: Toolbox, base: Path, work: Path, *, epoch: int) -> None:
        """:raises ImageError: when the archive is damaged, or holds what no layer can"""
        self.tools = tools
        self.work = work
        self.epoch = epoch
        self.files: dict[str, Path] = {}
        self.layers: list[Layer] = []
        progress.step("the layer of the base system")
        blob = work / "layer-0.tar"
        with opened(base) as stream, blob.open("wb") as writer:
            shutil.copyfileobj(stream, writer, _CHUNK)
        self._keep(blob, "base system")
        with blob.open("rb") as stream:
            self._state: State = read_state(stream)

    def add(self, tree: Tree, made_by: str) -> None:
        """Add the layer that makes of those before what ``tree`` is, if it is anything else.

        :raises CommandError: when tar fails
        :raises ImageError: when it holds what no layer can
        """
        progress.step(f"the layer of {made_by}")
        with tree_stream(self.tools, tree.path, epoch=self.epoch) as stream:
            state = read_state(stream)
        if difference := find_difference(self._state, state):
            blob = self.work / f"layer-{len(self.layers)}.tar"
            self._write(blob, tree, difference)
            self._keep(blob, made_by)
        self._state = state

    def _write(self, blob: Path, tree: Tree, difference: Difference) -> None:
        with blob.open("wb") as stream:
            for path in difference.whiteouts:
                member = tarfile.TarInfo(f"./{path}")
                member.mtime = self.epoch
                stream.write(member.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape"))
            add_paths(self.tools, tree.path, difference.paths, stream, epoch=self.epoch)

    def _keep(self, blob: Path, made_by: str) -> None:
        layer = Layer(layer_blob(blob.stat().st_size, files.sha256(blob)), made_by)
        self.layers.append(layer)
        self.files[blob_path(layer.blob)] = blob

    def pack(self, told: Told, target: Path, sums: Sums | None = None) -> None:
        """Publish the image ``target``; ``sums`` computes its checksum meanwhile."""
        documents = make_documents(told, self.layers)
        with (
            progress.growing(target.name, target, lambda: sum(_sizes(self.files))),
            files.publish(target) as temporary,
        ):
            if sums:
                with summed_meanwhile(sums, temporary, target):
                    _write_layout(temporary, documents, self.files, told.epoch)
            else:
                _write_layout(temporary, documents, self.files, told.epoch)


def _sizes(blobs: Mapping[str, Path]) -> list[int]:
    return [path.stat().st_size for path in blobs.values()]


def _write_layout(
    target: Path, documents: Mapping[str, bytes], blobs: Mapping[str, Path], epoch: int
) -> None:
    """Write all files of a layout, in the order of their paths, and the folders before them."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for folder in ("blobs", "blobs/sha256"):
            member = tarfile.TarInfo(folder)
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, epoch
            archive.addfile(member)
        for path in sorted({*documents, *blobs}):
            member = tarfile.TarInfo(path)
            member.mtime = epoch
            if content := documents.get(path):
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                member.size = blobs[path].stat().st_size
                with blobs[path].open("rb") as stream:
                    archive.addfile(member, stream)
