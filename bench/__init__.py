"""Benchmarks: ratios measured in one run on this machine. `make bench` runs all, `ARGS=name` one."""
