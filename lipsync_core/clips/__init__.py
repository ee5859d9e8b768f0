"""Videos cut from recorded clips: a library of talk and silence, and edit lists made from a voice."""
