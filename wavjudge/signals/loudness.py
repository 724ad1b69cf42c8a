"""How loud a recording is where it is not silent: gated RMS, the same for a sentence with and without pauses.

Mean power of blocks of 400 ms, as EBU R 128 gates them (ITU-R BS.1770-4): blocks below -70 dBFS do not count, then none
more than 10 dB below the mean of the rest. Without the K-weighting of that standard, so this is dBFS and not LUFS: good
enough to see that one voice became louder, not to compare two microphones.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BLOCK_SECONDS, STEP_SECONDS = 0.4, 0.1
SILENT_DBFS, BELOW_MEAN_DB = -70.0, 10.0


def loudness_dbfs(samples: npt.NDArray[np.floating], sample_rate_hz: int) -> float | None:
    """Loudness in dBFS of mono samples, shape (frames,), full scale -1..1; None where all of it is below -70 dBFS.

    >>> tone = np.sin(2 * np.pi * 100 * np.arange(16000) / 16000)
    >>> round(loudness_dbfs(tone, 16000), 2)  # a sine at full scale has half the power of a square wave
    -3.01
    >>> round(loudness_dbfs(np.r_[0.1 * tone, np.zeros(32000)], 16000))  # 20 dB lower; of the pause, the edge counts
    -24
    """
    power = np.asarray(samples, float) ** 2
    block, step = (max(1, round(seconds * sample_rate_hz)) for seconds in (BLOCK_SECONDS, STEP_SECONDS))
    sums = np.concatenate([[0.0], np.cumsum(power)])
    block = min(block, len(power))
    if not block:
        return None
    starts = np.arange(0, len(power) - block + 1, step)
    means = (sums[starts + block] - sums[starts]) / block
    heard = means[means > 10 ** (SILENT_DBFS / 10)]
    if not len(heard):
        return None
    heard = heard[heard > heard.mean() * 10 ** (-BELOW_MEAN_DB / 10)]
    return float(10 * np.log10(heard.mean()))
