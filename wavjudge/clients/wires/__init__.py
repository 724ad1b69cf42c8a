"""One call to a provider: what is sent, what comes back, and what may leave this machine."""
