"""A stand-in `mdatp` and a simulated host: for the demo, the tests, and authors of rules.

It knows the documented rules of the agent a second time, and shares none of the code that judges
real hosts, so that each can be checked against the other.
"""
