"""The checkups, one function each; a module for each thing that they are about."""
