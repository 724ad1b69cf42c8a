"""What the commands write, kept: each scene of `scenes.py` runs them on small inputs, and `golden.py` compares.

`data/SCENE/` holds the data (CSV, JSON, JSONL, TOML and a list of all files), `prose/SCENE.txt` what was said
(stdout, stderr, Markdown, LaTeX, and the sentences that stand in data). A commit that moves modules changes neither;
one that changes words changes the prose alone. `make freeze` writes both anew; the test never does.
"""
