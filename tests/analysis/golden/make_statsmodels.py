"""Prints statsmodels.json: clustered errors and Holm as statsmodels 0.15.0 has them. In an environment of its own:

pip install statsmodels==0.15.0
python tests/analysis/golden/make_statsmodels.py > tests/analysis/golden/statsmodels.json
"""

import json

import numpy as np
import statsmodels.api as sm
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(7)
sizes = [1, 3, 2, 4, 4, 2, 5, 1, 3, 2]
prompt = np.repeat(np.arange(len(sizes)), sizes)
scores = np.clip(np.round(random.normal(3, 1, len(sizes))[prompt] + random.normal(0, 0.8, len(prompt))), 1, 5)
fit = sm.OLS(scores, np.ones((len(scores), 1))).fit(
    cov_type="cluster", cov_kwds={"groups": prompt, "use_correction": False}, use_t=True
)
p = [0.011, 0.2, 0.004, 0.03, 0.049, 0.6, 0.004]
print(json.dumps({
    "made_with": "statsmodels 0.15.0, make_statsmodels.py",
    "prompt": prompt.tolist(),
    "scores": scores.tolist(),
    "mean": float(fit.params[0]),
    "se_without_correction": float(fit.bse[0]),
    "p": p,
    "holm": multipletests(p, method="holm")[1].tolist(),
}))  # fmt: skip
