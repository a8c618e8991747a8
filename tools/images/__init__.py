"""The images of a release: pulled, or built from packages."""
