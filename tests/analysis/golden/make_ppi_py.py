"""Prints ppi_py.json: what ppi-python 0.2.3 says about three made tables. Run in an environment of its own:

    pip install ppi-python==0.2.3
    python tests/analysis/golden/make_ppi_py.py > tests/analysis/golden/ppi_py.json

It is not a test dependency: it pulls numba and more, and silences all warnings on import.
"""

import json

import numpy as np
import ppi_py
from ppi_py.ppi import _calc_lam_glm
from ppi_py.ppi_power_analysis import _optimal_pair


def lam_of(y, f, rest):
    """lam as ppi_py tunes it inside `ppi_mean_ci`, from its own function."""
    return float(_calc_lam_glm(*(np.reshape(a, (-1, 1)) for a in (y, f, rest)), np.eye(1), clip=True))


def case(seed, n, others, noise):
    random = np.random.default_rng(seed)
    people = np.clip(np.round(random.normal(3.2, 1.1, n + others)), 1, 5)
    judge = np.clip(np.round(0.8 * people + random.normal(1, noise, n + others)), 1, 5)
    y, f, rest = people[:n], judge[:n], judge[n:]
    values = {}
    for name, lam in (("classical", 0.0), ("plain", 1.0), ("half", 0.5)):
        low, high = ppi_py.ppi_mean_ci(y, f, rest, alpha=0.05, lam=lam)
        mean = ppi_py.ppi_mean_pointestimate(y, f, rest, lam=lam)
        values[name] = {"lam": lam, "mean": np.ravel(mean)[0], "half": (np.ravel(high)[0] - np.ravel(low)[0]) / 2}
    mean = float(np.ravel(ppi_py.ppi_mean_pointestimate(y, f, rest))[0])
    tuned = {"lam": lam_of(y, f, rest), "mean": mean}
    return {"people": y.tolist(), "judge": f.tolist(), "others": rest.tolist(), "given": values, "tuned": tuned}


tables = [case(1, 30, 120, 0.6), case(2, 50, 50, 1.0), case(3, 25, 400, 0.3)]
splits = []
for n0, r, gamma in ((100, 0.7, 0.1), (500, 0.9, 0.02), (200, 0.8, 0.05)):
    pair = _optimal_pair(n0, r, gamma, 0.0, 1.0, gamma)
    splits.append({"n0": n0, "r": r, "gamma": gamma, "pair": pair})
print(json.dumps({"made_with": "ppi-python 0.2.3, make_ppi_py.py", "tables": tables, "splits": splits}, default=float))
