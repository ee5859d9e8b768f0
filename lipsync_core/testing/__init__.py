"""For plugin authors: the contract tests, and the skeleton of a new plugin."""
