"""`python -m wavjudge`."""

from wavjudge.cli.app import main

if __name__ == "__main__":
    main()
