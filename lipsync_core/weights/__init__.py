"""Where weights live, how they get there, what is in them. Nothing here runs code from a file."""
