"""A generator in a process of its own: what kills it does not kill the run."""
