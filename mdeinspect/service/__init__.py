"""The service: it watches, compares, and tells one event for each change. The composition root.

Threads: *main* owns the inbox, the reports and the writing connection of the store; *agent* runs
every `mdatp` call, one at a time; the watcher's only set a wake-up; each sink has its own.
"""
