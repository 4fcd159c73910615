"""Types of a GPT's partitions: those of UEFI, Windows and Linux that more than one module knows.

The root's, one for each architecture, are `aimager.model.architecture.Architecture.gpt_root`.
"""

ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
"""An EFI system partition (UEFI 5.3.3)."""

BASIC_DATA = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
"""Windows' for FAT and NTFS."""

LINUX = "0fc63daf-8483-4772-8e79-3d69d8477de4"
SWAP = "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"
HOME = "933ac7e1-2eb4-4f13-b844-0e14e2aef915"
"""Those of the Discoverable Partitions Specification, the same on every architecture."""
