"""The types of recurrent network, a file each: what goes in, what comes out, and where."""

from recur.models.many_to_one import ManyToOne

__all__ = ["ManyToOne"]
