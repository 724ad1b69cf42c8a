"""Preference pairs from ratings, and where a judge may choose them."""
