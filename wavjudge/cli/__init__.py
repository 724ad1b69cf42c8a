"""The command line: one thin file a command. Everything heavy is imported inside the commands, so `--help` is quick."""
