"""Models under test: whoever can be asked a spoken question. A new kind is a file here and a line in build.py."""
