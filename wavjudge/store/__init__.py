"""The run folder: only this room opens its files."""
