"""The virtual environment of a checkout, the collections beside it, and the lock file."""
