"""Measures deploys, probes and failures against other ways."""
