"""Prints clustered_mean.json: means of equally large clusters by statsmodels. Run in an environment of its own:

    pip install statsmodels
    python tests/analysis/golden/make_clustered_mean.py > tests/analysis/golden/clustered_mean.json

OLS on a constant, covariance by cluster with its small-sample correction, t with (clusters - 1) degrees of freedom.
"""

import json

import numpy as np
import statsmodels
import statsmodels.api as sm


def case(seed, clusters, size):
    random = np.random.default_rng(seed)
    prompt = np.repeat(np.arange(clusters), size)
    scores = np.clip(np.round(3.4 + random.normal(0, 0.8, clusters)[prompt] + random.normal(0, 0.8, len(prompt))), 1, 5)
    fit = sm.OLS(scores, np.ones(len(scores))).fit(cov_type="cluster", cov_kwds={"groups": prompt}, use_t=True)
    low, high = fit.conf_int(0.05)[0]
    return {"prompt": prompt.tolist(), "scores": scores.tolist(), "mean": fit.params[0], "low": low, "high": high}


cases = [case(seed, clusters, size) for seed, clusters, size in ((1, 3, 1), (2, 12, 1), (3, 12, 4), (4, 50, 2))]
print(json.dumps({"made_with": f"statsmodels {statsmodels.__version__}, make_clustered_mean.py", "cases": cases}))
