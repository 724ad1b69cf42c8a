"""Two judges, two candidates, two runs: paired differences."""
