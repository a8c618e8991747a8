"""What brings up clusters and environments, and checks the collection: see README.md."""
