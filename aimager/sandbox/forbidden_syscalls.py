"""The system calls that what packages run is refused, and their numbers.

None of them is needed to install a package. Each is a way to something that is not in the image:
other processes' memory, the kernel's keys, its debugging and tracing, mounts and further user
namespaces (where an old kernel's mistakes can be reached with all capabilities), the machine's
clock, swap and power. The lists of systemd-nspawn (nspawn-seccomp.c) and of Flatpak
(flatpak-run.c, setup_seccomp) have nearly all of them for the same reasons.

Numbers are those of the kernel's tables: arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl,
arch/arm/tools/syscall.tbl, and include/uapi/asm-generic/unistd.h, which arm64, riscv64 and
loongarch64 share.
"""

from dataclasses import dataclass

from aimager.model.architecture import Architecture


@dataclass(frozen=True)
class Abi:
    """How programs of one kind call the kernel: ``audit`` is what seccomp_data.arch says of them.

    ``column`` is that of their numbers in the tables here.
    """

    audit: int
    column: int


_X86_64 = Abi(0xC000003E, 0)  # AUDIT_ARCH_* of linux/audit.h
_I386 = Abi(0x40000003, 1)
_AARCH64 = Abi(0xC00000B7, 2)
_RISCV64 = Abi(0xC00000F3, 2)
_LOONGARCH64 = Abi(0xC0000102, 2)
_ARM = Abi(0x40000028, 3)

ABIS = {
    Architecture.x86_64: (_X86_64, _I386),
    Architecture.aarch64: (_AARCH64, _ARM),
    Architecture.riscv64: (_RISCV64,),
    Architecture.loong64: (_LOONGARCH64,),
    Architecture.i686: (_I386,),
    Architecture.i486: (_I386,),
    Architecture.pentium4: (_I386,),
    Architecture.armv7h: (_ARM,),
}
"""Those that a machine's kernel knows; programs that QEMU emulates call it by the machine's own."""

_TABLE = """
    keyctl               250   288   219   311
    add_key              248   286   217   309
    request_key          249   287   218   310
    ptrace               101    26   117    26
    process_vm_readv     310   347   270   376
    process_vm_writev    311   348   271   377
    process_madvise      440   440   440   440
    pidfd_getfd          438   438   438   438
    kcmp                 312   349   272   378
    bpf                  321   357   280   386
    perf_event_open      298   336   241   364
    userfaultfd          323   374   282   388
    io_uring_setup       425   425   425   425
    io_uring_enter       426   426   426   426
    io_uring_register    427   427   427   427
    fanotify_init        300   338   262   367
    lookup_dcookie       212   253    18   249
    syslog               103   103   116   103
    kexec_load           246   283   104   347
    kexec_file_load      320     -   294   401
    init_module          175   128   105   128
    finit_module         313   350   273   379
    delete_module        176   129   106   129
    name_to_handle_at    303   341   264   370
    open_by_handle_at    304   342   265   371
    mount                165    21    40    21
    umount                 -    22     -     -
    umount2              166    52    39    52
    pivot_root           155   217    41   218
    open_tree            428   428   428   428
    move_mount           429   429   429   429
    mount_setattr        442   442   442   442
    fsopen               430   430   430   430
    fsconfig             431   431   431   431
    fsmount              432   432   432   432
    fspick               433   433   433   433
    setns                308   346   268   375
    unshare              272   310    97   337
    clone3               435   435   435   435
    quotactl             179   131    60   131
    quotactl_fd          443   443   443   443
    acct                 163    51    89    51
    swapon               167    87   224    87
    swapoff              168   115   225   115
    reboot               169    88   142    88
    vhangup              153   111    58   111
    settimeofday         164    79   170    79
    stime                  -    25     -     -
    clock_settime        227   264   112   262
    clock_settime64        -   404     -   404
    clock_adjtime        305   343   266   372
    clock_adjtime64        -   405     -   405
    adjtimex             159   124   171   124
    iopl                 172   110     -     -
    ioperm               173   101     -     -
    modify_ldt           154   123     -     -
    uselib               134    86     -    86
    nfsservctl           180   169    42   169
    memfd_secret         447   447   447     -
"""
# unshare makes no namespace without a capability but a user namespace. clone3 hides its flags in
# memory, where no filter sees them.

UNKNOWN = frozenset({"clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"})
"""Refused as a kernel does that does not have them (ENOSYS), so that programs do it the old way."""

_PARTLY = {"clone": (56, 120, 220, 120), "ioctl": (16, 54, 29, 54), "socket": (41, 359, 198, 281)}
"""Calls that are refused with some arguments only (`aimager.sandbox.seccomp`)."""


def forbidden(abi: Abi) -> dict[str, int]:
    """The numbers of the calls that are refused whatever their arguments, by name."""
    rows = (line.split() for line in _TABLE.split("\n") if line.strip())
    return {name: int(n[abi.column]) for name, *n in rows if n[abi.column] != "-"}


def partly_forbidden(name: str, abi: Abi) -> int:
    """The number of ``clone``, ``ioctl`` or ``socket``."""
    return _PARTLY[name][abi.column]
