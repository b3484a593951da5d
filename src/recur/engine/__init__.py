"""How time is walked.

The doors: `scan_layer` over sequences (`scan` in one direction), `step` for one step of time, and
`stepper` for one step after another.

The engine is handed a cell (`recur.cells`) and knows none of its gates. `choose` decides once which
path walks a problem, and keeps the reasons; the doors take the path it names.
"""

from recur.engine.choose import Choice, choose
from recur.engine.options import NOTHING, Options
from recur.engine.problem import Problem, Weights
from recur.engine.scan import scan, scan_layer, step, stepper

__all__ = [
    "NOTHING",
    "Choice",
    "Options",
    "Problem",
    "Weights",
    "choose",
    "scan",
    "scan_layer",
    "step",
    "stepper",
]
