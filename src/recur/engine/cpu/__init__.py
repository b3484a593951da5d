"""The compiled path: C++ loops over time, built once for each instruction set.

`scan.h` is the interface, `scan.cpp` the entry; the cells' mathematics lies with the cells
(`recur/cells/*/pointwise.h`).
"""

from recur.engine.cpu.path import about, declines, name, scan, step, stepper

__all__ = ["about", "declines", "name", "scan", "step", "stepper"]
