"""How far a judge may be trusted: its agreement with people, the baselines beside it, and what follows."""
