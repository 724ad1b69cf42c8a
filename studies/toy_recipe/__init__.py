"""The training recipe on a toy: what its mask, its anchor and its gate do to text and speech. Design: docs/training.md.

make toy        # all six arms, three seeds, two learning rates: minutes on one thread, written to toy/
"""
