"""Ratings, labels and answers as checked tables: what is read, what is refused, what is noted."""
