"""The support bundle: what an inspection saw, redacted, as a recorded host in one archive."""
