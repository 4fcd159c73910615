"""Writing disk images to cards and disks, by a block map where there is one."""
