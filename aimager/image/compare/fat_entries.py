"""The files of a FAT image, as they are compared: they have no owners and no modes."""

from aimager.image.compare.entry import Budget, Digest, Entry, Found
from aimager.image.finished.ext4_files import PIECE
from aimager.image.finished.fat_files import FatFile, FatFiles


def read_fat(files: FatFiles) -> Found:
    """All that lies in the file system.

    :raises ImageError: when it is damaged, or its folders lie in themselves
    """
    budget = Budget(files.image.name, files.image.size)
    for file in files.walk():
        if file.is_folder:
            entry = Entry("folder", attributes=None, time=file.written)
        else:
            digest = _digest(files, file, budget)
            entry = Entry("file", file.size, digest=digest, attributes=None, time=file.written)
        yield file.path, entry, b""


def _digest(files: FatFiles, file: FatFile, budget: Budget) -> str:
    digest, start, waiting = Digest(file.size), 0, bytearray()
    for data in files.pieces(file):
        budget.take_bytes(len(data))
        waiting += data
        if len(waiting) >= PIECE:
            whole = len(waiting) // PIECE * PIECE  # clusters may be smaller than a block
            digest.update(start, bytes(waiting[:whole]))
            start += whole
            del waiting[:whole]
    digest.update(start, bytes(waiting))
    return digest.finish()
