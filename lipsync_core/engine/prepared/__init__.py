"""What generators make of a target alone: made once, kept on disk, used by runs with any voice."""
