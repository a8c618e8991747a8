"""Does harm to a release for as long as it takes."""
