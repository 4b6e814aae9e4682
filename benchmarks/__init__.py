"""Timings of whole runs, as ratios to a bare interpreter: nothing here ever fails a build."""
