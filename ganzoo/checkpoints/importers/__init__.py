"""Published weights of other code bases: files read without running anything of theirs, and an adapter a format."""
