"""A model on this machine, for those who have no credentials yet: weights, its server, its dialect."""
