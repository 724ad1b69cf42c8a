"""Providers: a wire for each protocol, and the onion around it (cache, retry, limits, money)."""
