"""What a run looks at: a target with its faces, shots and the window being painted. Needs no engine."""
