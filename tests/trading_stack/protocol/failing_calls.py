"""Makes system calls of one thread fail, for good, as a broken or a full disk does: by a filter of the kernel's.

Source: seccomp(2); `struct sock_filter` and the verdicts are those of linux/filter.h and linux/seccomp.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import Final

SYNCS: Final = "syncs"
WRITES: Final = "writes"
NUMBERS: Final = {
    ("x86_64", SYNCS): (74, 75),
    ("x86_64", WRITES): (18,),
    ("aarch64", SYNCS): (82, 83),
    ("aarch64", WRITES): (68,),
}
_NO_NEW_PRIVILEGES: Final = 38
_SECCOMP: Final = 22
_FILTER: Final = 2
_LOAD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_ERROR: Final = 0x00050000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def available() -> bool:
    """Whether this kernel and this machine can do it."""
    supported = os.uname().sysname == "Linux" and (platform.machine(), SYNCS) in NUMBERS
    return supported and ctypes.CDLL(None).prctl(21, 0, 0, 0, 0) == 0  # PR_GET_SECCOMP


def fail(calls: str, error: int = errno.EIO) -> None:
    """From now on these calls of this thread, and of those that it starts, fail with `error`."""
    numbers = NUMBERS[platform.machine(), calls]
    jumps = [(_JUMP_IF_EQUAL, len(numbers) - at, 0, number) for at, number in enumerate(numbers)]
    steps = [(_LOAD, 0, 0, 0), *jumps, (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERROR | error)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(code))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or library.prctl(
        _SECCOMP, _FILTER, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")
