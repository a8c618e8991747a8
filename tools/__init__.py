"""Bring up a real Kubernetes cluster with the images that Airflow needs, wherever it is run."""
