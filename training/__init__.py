"""Training pipelines of the weights the project ships; never imported by the library."""
