"""A door for the tests: what it puts in is a number, in a module that takes no time to import."""

from __future__ import annotations

import sys

from recur.scripts import Door, main


def _put(leave):
    import colorsys

    colorsys.put_in = getattr(colorsys, "put_in", 0) + 1
    return f"Put in, without {', '.join(leave) or 'exception'}."


def _ours(name):
    return name.startswith("fruit.")


def _begin(asked_for):
    if asked_for:
        import json  # whatever is needed

        assert json


DOOR = Door("test", "How to use it.", "colorsys", _put, _ours, _begin)

if __name__ == "__main__":
    import doors

    sys.exit(main(doors.DOOR, sys.argv[1:]))
