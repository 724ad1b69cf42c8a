"""Candidates side by side: means, intervals, rank sets, and labels that correct them."""
