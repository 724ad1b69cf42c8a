"""What a call costs, from which dated list, and the cap on a whole run."""
