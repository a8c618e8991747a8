"""The kind cluster: its node image, its ports, and the images on its nodes."""
