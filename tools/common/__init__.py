"""What all of them use: running programs, steps, locks, paths, versions, Debian packages."""
