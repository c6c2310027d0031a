"""A command on the leash ends with its starter, by the kernel's hand on Linux and by a guard elsewhere."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from common.runtime import leash

LEASH = leash.__file__

# Starts a sleeper on the leash, says its process id, and waits to be killed. The sleeper writes its own id to a file.
_STARTER = """
import os, runpy, subprocess, sys
leash, platform, told = sys.argv[1:]
sleeper = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
run = f"import sys, runpy; sys.platform = {platform!r}; runpy.run_path({leash!r}, run_name='__main__')"
command = [sys.executable, "-c", sleeper, told]
subprocess.Popen([sys.executable, "-c", run, str(os.getpid()), "9", "-", "0", *command]).wait()
"""


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # A container's first process may be slow to bury the dead.
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("platform", [sys.platform, "another"])
async def test_the_command_ends_when_its_starter_is_killed(tmp_path: Path, platform: str) -> None:
    told = tmp_path / "pid"
    starter = subprocess.Popen([sys.executable, "-c", _STARTER, LEASH, platform, str(told)])
    async with asyncio.timeout(20):
        while not told.exists() or not told.read_text():
            await asyncio.sleep(0.02)
        sleeper = int(told.read_text())
        assert _runs(sleeper)
        starter.send_signal(signal.SIGKILL)
        starter.wait()
        while _runs(sleeper):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("platform", [sys.platform, "another"])
def test_the_exit_status_of_the_command_is_the_leashs_own(platform: str) -> None:
    run = f"import sys, runpy; sys.platform = {platform!r}; runpy.run_path({LEASH!r}, run_name='__main__')"
    command = [sys.executable, "-c", "import sys; sys.exit(7)"]
    done = subprocess.run([sys.executable, "-c", run, str(os.getpid()), "9", "-", "0", *command], check=False)
    assert done.returncode == 7


def test_nothing_is_run_for_a_starter_that_is_gone_already(tmp_path: Path) -> None:
    told = tmp_path / "ran"
    command = ["touch", str(told)]
    done = subprocess.run([sys.executable, LEASH, "1", "9", "-", "0", *command], check=False)
    assert done.returncode == 1
    assert not told.exists()


def test_a_command_that_trades_need_not_wait_for_steps_back() -> None:
    command = [sys.executable, "-c", "import os; print(os.nice(0))"]
    leash = [sys.executable, LEASH, str(os.getpid()), "9", "-", "5"]
    done = subprocess.run([*leash, *command], check=True, capture_output=True)
    assert int(done.stdout) == os.nice(0) + 5
