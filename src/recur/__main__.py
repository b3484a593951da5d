"""`python -m recur` is `recur`."""

import sys

from recur.cli import main

if __name__ == "__main__":
    sys.exit(main())
