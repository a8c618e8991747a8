"""All tests: which stages there are, in which order they run, and what they counted."""
