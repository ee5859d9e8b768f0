"""What a run keeps on disk: its workspace, notes of generators, the report, and reading it back."""
