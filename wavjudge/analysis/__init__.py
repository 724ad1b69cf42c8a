"""What ratings mean: agreement, intervals, reliability, correction. Tables in, records out; no keys, no run folders.

Every agreement statistic is a function of sums over prompts (`sums.py`), so one matrix product gives it for any
weighting of the prompts: the plain value, every delete-one-prompt value, every bootstrap resample.
"""
