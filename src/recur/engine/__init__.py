"""How time is walked. Two doors: `scan` over a sequence, `step` for one step of time.

The engine is handed a cell (`recur.cells`) and knows none of its gates. `choose` decides once which
path walks a problem, and keeps the reasons; `scan` and `step` take the path it names.
"""

from recur.engine.choose import Choice, choose
from recur.engine.problem import Problem, Weights
from recur.engine.scan import scan, step

__all__ = ["Choice", "Problem", "Weights", "choose", "scan", "step"]
