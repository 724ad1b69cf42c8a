"""One thin file a command; what they know, the library knows."""
