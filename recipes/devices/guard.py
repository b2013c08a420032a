"""End this process where TensorFlow keeps it from ending itself."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Runs beside the block: waits for the end of its input, or of the time.
WATCH = """
import os, select, signal, sys
seconds, process, reason = sys.argv[1:]
if not select.select([0], [], [], float(seconds))[0]:
    print(reason, file=sys.stderr, flush=True)
    os.kill(int(process), signal.SIGKILL)
"""


@contextmanager
def ends_within(seconds: float, reason: str) -> Iterator[None]:
    """End this process by SIGKILL, with a message, where the block takes longer.

    TensorFlow connects to other processes while it holds Python's global interpreter lock: no
    thread and no signal handler of this process runs until all of them have answered, which one
    that hangs never does. So a process of its own watches.

    Args:
        seconds: that the block may take.
        reason: a line for standard error.
    """
    command = [sys.executable, "-I", "-S", "-c", WATCH, str(seconds), str(os.getpid()), reason]
    watch = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        watch.communicate()
