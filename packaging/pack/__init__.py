"""Builds the packages: an interpreter, the wheels, the files around them, `.deb` and `.rpm`."""
