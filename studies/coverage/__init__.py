"""Do 95 % intervals hold the truth 95 times in 100? Simulations of what `wavjudge/analysis` claims; docs/studies.md.

`make studies` runs all and writes results/coverage.csv. One study a file; populations and true values in `populations`,
runs and tallies in `cells`, the file in `table`.
"""
