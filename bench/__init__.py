"""Benchmarks: ratios measured in one run on this machine. `make bench` runs all, `ARGS=name` one."""

BENCHMARKS = ("streaming", "first-delta", "streams", "idle", "resume", "stop", "turns", "history")
