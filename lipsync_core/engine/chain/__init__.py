"""The chain: which generators can run here, and what counts as a failure that moves it on."""
