"""The training recipe: masks, losses, diagnostics, and the trainers on a model of a few thousand weights."""
