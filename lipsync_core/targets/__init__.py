"""What a run looks at: a video, picture or edit list with its faces, shots and the window being painted. No engine needed."""
