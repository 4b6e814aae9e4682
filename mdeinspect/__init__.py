"""Is Defender for Endpoint policy in force on this host, and who says so?"""

__version__ = "0.1.0"
