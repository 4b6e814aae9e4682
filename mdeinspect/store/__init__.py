"""What the service keeps: memory, events and cursors in SQLite, and its last report beside them.

One folder, one service: a lock file sees to that. `writer.Store` writes, in transactions that
happen wholly or not at all; `reader.Reader` reads beside it, in another thread or process. Nothing
here is world-readable.
"""
