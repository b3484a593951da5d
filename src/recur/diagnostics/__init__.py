"""What goes on inside a recurrent network: numbers, that can say themselves in words and be drawn.

`diagnose`: how far back gradients reach. `activity`: states and gates of every step. `attention`:
where attention looked. `integrated_gradients` and `occlusion`: which inputs mattered. `LayerSizes`:
how large gradients and updates were in training. `beliefs`: what a model would answer
if a sequence ended earlier.
"""

from recur.diagnostics.activity import Activity, activity
from recur.diagnostics.alignment import Alignment, attention
from recur.diagnostics.attributed import Attribution
from recur.diagnostics.attribution import integrated_gradients, occlusion
from recur.diagnostics.belief import beliefs
from recur.diagnostics.flow import Diagnosis, Flow, diagnose
from recur.diagnostics.gates import Gate
from recur.diagnostics.sizes import LayerSizes

__all__ = [
    "Activity",
    "Alignment",
    "Attribution",
    "Diagnosis",
    "Flow",
    "Gate",
    "LayerSizes",
    "activity",
    "attention",
    "beliefs",
    "diagnose",
    "integrated_gradients",
    "occlusion",
]
