"""Tells what a process was given at its start, and ends with the code 7."""

import gc
import json
import os
import random
import signal
import sys
import threading


def main() -> None:
    streams = (sys.stdin, sys.stdout, sys.stderr)
    facts = {
        "arguments": sys.argv[1:],
        "name": __name__,
        "folder": os.getcwd(),  # noqa: PTH109 - a script of the standard library alone
        "variables": dict(os.environ),
        "warnings": sys.warnoptions,
        "signals": {int(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
        "blocked": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
        "descriptors": sorted(os.listdir("/proc/self/fd"))[:-1],  # noqa: PTH208
        "streams": [(it.fileno(), it.encoding, it.errors, it.line_buffering, it.isatty()) for it in streams],
        "in the same session": os.getsid(0) == os.getsid(os.getppid()),
        "parent": os.getppid(),
        "threads": threading.active_count(),
        "collects garbage": gc.isenabled(),
    }
    sys.stdout.write(json.dumps([facts, random.random()]) + "\n")
    sys.exit(7)


if __name__ == "__main__":
    main()
