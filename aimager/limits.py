"""How much is taken of what comes from outside and nobody has vouched for yet, and why so much.

What is larger is refused in one sentence, before it is in memory or kept. Real material is far
below: Arch Linux's extra, the largest of its repositories, had in 2026 a database of 8.5 MB, of 40
MB unpacked, with 15,000 packages.
"""

MIB = 1 << 20

DATABASE = 128 * MIB
"""Bytes of a sync database as it comes: libalpm takes no larger one (be_sync.c)."""

DATABASE_UNPACKED = 256 * MIB
"""Bytes of the same when unpacked: as its content is text, six times what the largest has."""

MEMBERS = 1 << 18
"""Files and folders in a database, or before what is wanted of a package."""

DESC = MIB
"""Bytes of a package's entry in a database. The largest real ones have some 30 KB."""

RELATIONS = 1 << 20
"""Dependencies, provisions and groups of all packages of a database: memory is taken by each."""

KEYRING = 16 * MIB
"""Bytes of the files that are read from a keyring package; Arch Linux's have 2 MB."""

KEYRING_UNPACKED = 64 * MIB
"""Bytes that are unpacked to find these."""

PACKAGE_INFO = MIB
"""Bytes of a package's .PKGINFO."""

PACKAGE_UNPACKED = 32 << 30
"""Bytes that are unpacked to find this, in a package of the user's own."""

TAR_HEADER = 256 << 10
"""Bytes of the extended header of a member: the kernel lets an attribute have 64 KiB."""

TAR_HEADERS = 8 * MIB
"""Bytes of all extended headers of an archive."""

TAR_NAME = 4096
"""Bytes of the name of a member (PATH_MAX)."""

WINDOW = 128 * MIB
"""Bytes of what was unpacked that zstd may refer back to: what its own level 22 needs."""

XZ_MEMORY = 128 * MIB
"""Bytes that xz may use: level 9 needs 65 MiB."""

STREAMS = 1 << 16
"""Compressed streams that follow one another in a file: parallel programs make one for a MB."""

KERNEL = 256 * MIB
"""Bytes of a kernel, also unpacked."""

INITRAMFS = 512 * MIB
"""Bytes of an initramfs: with all drivers of graphics and their firmware, one has some 140 MB."""

INITRAMFS_UNPACKED = 1 << 30
"""Bytes of the same when unpacked: it is unpacked into memory wherever it is booted."""

SIGNATURE = 16 << 10
"""Bytes of a signature: libalpm takes no larger one (dload.c)."""

RECORD = MIB
"""Bytes of a record in a store that machines share."""

PAGE = 4 << 10
"""Bytes of a web page in which its title is looked for."""

SLOWEST = 1024
"""Bytes in a second that a mirror must give in the mean of `SLOW_TIME`; pacman's is one byte."""

SLOW_TIME = 60.0
"""Seconds after which one that is slower is left: as long as one may give nothing at all."""
