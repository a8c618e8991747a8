"""What bench and soak share: timed commands, a connection to the cluster, reports."""
