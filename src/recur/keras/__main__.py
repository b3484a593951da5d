"""`python -m recur.keras script.py`: a Keras program as it stands, on recur's engine."""

import sys

from recur import scripts
from recur.keras.door import DOOR

if __name__ == "__main__":
    sys.exit(scripts.main(DOOR, sys.argv[1:]))
