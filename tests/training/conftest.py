"""TRL loads beside a torch without CUDA only after this."""

import wavjudge.training  # noqa: F401
