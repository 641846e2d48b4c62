"""`python -m bench [NAME …]`: run the named benchmarks, or all of them."""

import importlib
import sys

from bench.machine import describe

ALL = ("streaming",)
OTHERS = ("page",)
"""Need more than Python: a built page and a Chromium."""


def main() -> None:
    names = sys.argv[1:] or ALL
    unknown = [name for name in names if name not in (*ALL, *OTHERS)]
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join((*ALL, *OTHERS))}.")
    print(describe())
    for name in names:
        print(f"\n## {name}")
        importlib.import_module(f"bench.{name}").main()


main()
