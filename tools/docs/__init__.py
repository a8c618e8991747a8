"""The pages that are written from the roles' data."""
