"""`python -m bench [--markdown] [NAME …]`: run the named benchmarks, or all of them."""

import argparse
import importlib
import resource
import time

from bench import BENCHMARKS
from bench.machine import describe
from bench.report import write_into_page


def main() -> None:
    asked = _asked()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a thousand streams are some thousand sockets
    machine = describe()
    print(machine)
    for name in asked.names or BENCHMARKS:
        print(f"\n## {name}", flush=True)
        begun, tables = time.monotonic(), []
        for table in importlib.import_module(f"bench.{name.replace('-', '_')}").run():
            print(table.text(), flush=True)
            tables.append(table)
        print(f"\n({time.monotonic() - begun:.0f} s)")
        if asked.markdown:
            write_into_page(name, machine, tables)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Ratios measured in one run on this machine.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; none: all of them"
    )
    parser.add_argument(
        "--markdown", action="store_true", help="write the tables into docs/performance.md as well"
    )
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    return asked


main()
