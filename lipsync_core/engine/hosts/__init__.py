"""Opened generators: each in a host of its own, shared through a pool."""
