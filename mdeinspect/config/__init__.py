"""What can be configured, with every default, and how it is read."""
