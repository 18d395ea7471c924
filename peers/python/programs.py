"""Starts `adept` in its roles, for as long as a block lasts."""

import subprocess
import time
from contextlib import contextmanager


@contextmanager
def running(*command, **more):
    """A program in the background; ended at the end of the block."""
    program = subprocess.Popen(command, text=True, **more)
    try:
        yield program
    finally:
        program.terminate()
        program.wait()


@contextmanager
def simulator(adept, *flags):
    """The simulator; its URL, which is the first line that it prints."""
    with running(adept, "simulator", "--listen", "127.0.0.1:0", *flags, stdout=subprocess.PIPE) as program:
        yield program.stdout.readline().strip()


def until(holds, what, seconds=30):
    """Repeats until it holds; returns the result."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < end, f"After {seconds} s still not so: {what}."
        time.sleep(0.05)
    return value
