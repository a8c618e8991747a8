"""Programs that are downloaded or built from Go modules: kind, kubectl and others."""
