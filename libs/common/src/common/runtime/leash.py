"""Runs a command that cannot outlive its starter: `python leash.py PARENT_PID SIGNAL USER NICENESS COMMAND...`.

On Linux the kernel delivers SIGNAL to the command when the starter dies, however it dies (prctl(2), PR_SET_PDEATHSIG),
and this program is replaced by the command. Elsewhere it stays as the command's parent and watches for the starter.
USER is `-`, or the account to run as when the starter is root: PostgreSQL refuses to run as root. Where processors are
short, a command of a higher NICENESS steps back.

It is started by path and imports the standard library only, so that it costs a few milliseconds.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def main(argv: list[str]) -> int:
    """Become the command (Linux), or its guard (elsewhere)."""
    parent, death_signal, user, niceness, command = int(argv[1]), int(argv[2]), argv[3], int(argv[4]), argv[5:]
    on_linux = sys.platform == "linux"
    if niceness:
        _step_back(niceness)
    if user != "-":
        _become(user, keep_file_access=on_linux)
    if not on_linux:
        return _guard(parent, death_signal, command)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() == parent:
        os.execvp(command[0], command)  # noqa: S606
    return 1  # The starter died before the kernel was told: nobody would ever end the command.


def _step_back(niceness: int) -> None:
    import contextlib
    from pathlib import Path

    os.nice(niceness)
    # Linux may weigh sessions against each other, and niceness within one only (sched(7), "The autogroup feature").
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))


def _become(user: str, *, keep_file_access: bool) -> None:
    import pwd

    account = pwd.getpwnam(user)
    libc = ctypes.CDLL(None, use_errno=True)
    if keep_file_access:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    if keep_file_access:
        # Root's checkout may lie in a folder that is closed to others. Keeping this one capability opens the files to
        # the command without loosening their modes. Where it is not granted the command sees what the account sees.
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        bit = 1 << _CAP_DAC_OVERRIDE
        libc.capset(header, (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0))
        libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def _guard(parent: int, death_signal: int, command: list[str]) -> int:
    child = subprocess.Popen(command)
    for forwarded in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(forwarded, lambda number, _frame: child.send_signal(number))
    while child.poll() is None:
        if os.getppid() != parent:
            child.send_signal(death_signal)
            return child.wait()
        time.sleep(0.2)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv))
