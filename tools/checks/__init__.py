"""Checks that are commands of their own, and what they compare with."""
