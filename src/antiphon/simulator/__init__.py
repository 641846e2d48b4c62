"""A Messages API that runs here, for development, tests and benchmarks. Imports nothing of Antiphon's."""
