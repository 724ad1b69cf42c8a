"""A held-out judge beside a training: evaluations, alarms, and when they mean something."""
