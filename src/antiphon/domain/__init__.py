"""Frozen values and pure functions over them. Standard library only, no I/O."""
