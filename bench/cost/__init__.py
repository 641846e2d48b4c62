"""What ways of holding a long conversation cost: `make bench-cost`, figures and method in `docs/cost.md`."""
