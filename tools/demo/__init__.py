"""Cluster, deploy, a DAG, and where the user interface is."""
