"""CPU time of our child processes and of theirs, from Linux's /proc; elsewhere nothing is reported."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OTHER_WORK: Final = "other work"
"""What else the machine did: where it is much, the latencies say more about that than about anybody here."""

_PROC: Final = Path("/proc")


@dataclass(frozen=True)
class Usage:
    """CPU seconds that each named process and its descendants have used, at a moment."""

    at_s: float
    used_s: Mapping[str, float]
    machine_s: float
    """CPU seconds that the whole machine has used."""

    def percent_since(self, before: "Usage") -> dict[str, float]:
        """Use since `before`, in percent of one core."""
        used = {name: max(0.0, now - before.used_s.get(name, 0.0)) for name, now in self.used_s.items()}
        if used:
            used[OTHER_WORK] = max(0.0, self.machine_s - before.machine_s - sum(used.values()))
        return {name: seconds / (self.at_s - before.at_s) * 100 for name, seconds in used.items()}


def usage(names: Mapping[int, str]) -> Usage:
    """Our children now, called by `names` (by pid); PostgreSQL and the broker are recognised by their command."""
    processes = _processes()
    used: dict[str, float] = {}
    for pid in processes:
        child = _our_child(pid, processes)
        if child is not None:
            name = names.get(child) or _recognised(child)
            used[name] = used.get(name, 0.0) + processes[pid][1]
    return Usage(time.monotonic(), used, _machine_s())


def _machine_s() -> float:
    """proc(5), /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal of all cores together."""
    stat = _PROC / "stat"
    if not stat.exists():
        return 0.0
    spent = [int(field) for field in stat.read_text().split(maxsplit=9)[1:9]]
    return (sum(spent) - spent[3] - spent[4]) / os.sysconf("SC_CLK_TCK")


def _processes() -> dict[int, tuple[int, float]]:
    """Parent and CPU seconds of every process, by pid."""
    if not _PROC.is_dir():
        return {}
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue  # It has ended since.
        # proc(5): the name is in parentheses and may hold spaces; then come state, ppid, ... utime (14), stime (15).
        fields = stat.rpartition(")")[2].split()
        found[int(folder.name)] = (int(fields[1]), (int(fields[11]) + int(fields[12])) / ticks)
    return found


def _our_child(pid: int, processes: Mapping[int, tuple[int, float]]) -> int | None:
    """The child of this process that `pid` is or descends from."""
    while pid in processes:
        parent = processes[pid][0]
        if parent == os.getpid():
            return pid
        pid = parent
    return None


def _recognised(pid: int) -> str:
    try:
        command = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return "broker"
    return "postgresql" if b"postgres" in command.split(b"\0")[0] else "broker"
