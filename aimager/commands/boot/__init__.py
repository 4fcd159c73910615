"""Images booted in QEMU."""
