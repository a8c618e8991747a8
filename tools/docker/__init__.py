"""The Docker daemon, what is asked of it, and the base image of what is built here."""
