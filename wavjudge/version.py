"""The version of the package: part of a result's signature, never of a judge's."""

__version__ = "0.1.0"
