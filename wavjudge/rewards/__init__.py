"""A calibrated judge as a training reward: pure Python and numpy, whatever the trainer is built on.

    one answer   combine.py   Verdict | Unscored an axis  ->  Reward
    one prompt   groups.py    rewards of its answers      ->  advantages and a mask
    one step     mixing.py    groups                      ->  lambda, the share of the preference term
    all along    ceiling.py   what failed                 ->  NoRewardError once it is too much
    beforehand   rollouts.py  a rated run                 ->  what all this would make of it
    meanwhile    monitor.py   a held-out judge's scores   ->  alarms: the reward rises alone, the answers drift

A failure never becomes a number on this way.
"""
