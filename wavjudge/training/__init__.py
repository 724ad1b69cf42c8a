"""The training recipe in torch (extra `train`): preferences move text tokens, demonstrations anchor all of them.

    which tokens   masks.py        ids -> text, speech; boundaries and the end by a named rule
    the loss       losses.py       log-probabilities, masks, advantages -> one number
    what happens   diagnostics.py  gradients and log-probabilities, text and speech apart
    in the small   toy*.py         the recipe's arms on a toy, `wavjudge train toy`

This room alone imports torch; nothing outside of it, `cli/train*.py` apart, imports this room.
"""
