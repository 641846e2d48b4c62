"""The engine: the loop that holds the lease and takes a turn from acceptance to its end."""
