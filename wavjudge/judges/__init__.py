"""From an answer to a verdict: prompts, what is shown to a judge, how its reply is read."""
