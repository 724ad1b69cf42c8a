"""The training recipe in torch (extra `train`): preferences move text tokens, demonstrations anchor all of them.

    which tokens   masks.py        ids (vocabulary.py) -> text, speech; boundaries and the end by a named rule
    the loss       losses.py       log-probabilities, masks, advantages -> one number
    what happens   diagnostics.py  gradients and log-probabilities, text and speech apart
    the training   launch.py       a TOML file (config.py) -> trainer.py (hybrid) or dpo.py, on TRL's

This room alone imports torch; nothing outside of it, `cli/commands/train.py` apart, imports this room.

Importing it makes torchaudio loadable (loadable.py): a script that uses TRL beside a torch without CUDA imports
`wavjudge.training` first.
"""

from importlib.util import find_spec

if find_spec("torchaudio") is not None:
    from wavjudge.training.loadable import torchaudio_functional

    torchaudio_functional()
