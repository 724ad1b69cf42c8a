"""What judging costs: wavjudge's whole path beside the openai SDK as documented. `make bench`; docs/speed.md.

Each measurement is a function `measure(task) -> figures` in a module of its own, run in a fresh process, so that no
variant inherits another's memory or warm caches. CPU is that of the client's process alone, all its threads included.
"""
