"""The least that firmware takes for a program."""

import struct

EFI_PROGRAM = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(60)
