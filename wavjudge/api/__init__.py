"""What the command line knows, as functions."""
