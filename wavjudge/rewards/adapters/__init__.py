"""The call shapes of the trainers. No module here imports a trainer before one of its objects is asked for.

trl.py         GRPOTrainer: columns in, None where there is no reward
swift.py       ms-swift: AsyncORM; None would count as 0 there, see missing_rewards.py
verl.py        one sample a call; a reward manager that knows the samples' group
openrlhf.py    the function of a file; over HTTP it is ../server.py
reference.py   f(prompts, completions, audios), as the WavAlign code calls it
"""
