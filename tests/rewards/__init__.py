"""The reward pipeline, against worked numbers, properties and a simulation."""
