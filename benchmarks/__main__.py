"""All benchmarks, or some: `python benchmarks [NAMES] [--full] [--write] [--flush]`.

Without names: all. --full shows every case with every peer and takes long, since some compile each
case for seconds; without it the core is shown in a few minutes. --write puts the tables in
docs/benchmarks.md. --flush has torch's own operators take subnormal numbers as zero, as recur's
walks always do: what torch.nn would gain by it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import architectures
import job
import keras_script
import language
import load
import memory
import output_layer
import ragged
import step
import table
import torch
import warmup
from peer import Tell, tell

import layers

# The heading on the page, by the name on the command line.
NAMES: dict[str, tuple[str, Callable[[bool, Tell], str]]] = {
    "layers": ("Layers", layers.measure),
    "job": ("The reference job", job.measure),
    "keras": ("A Keras script", keras_script.measure),
    "ragged": ("Rows of unequal length", ragged.measure),
    "step": ("One step of time", step.measure),
    "warmup": ("Warm-up and import", warmup.measure),
    "memory": ("Memory", memory.measure),
    "language": ("A language model", language.measure),
    "output-layer": ("An output layer", output_layer.measure),
    "load": ("Beside other work", load.measure),
    "architectures": ("Architectures", architectures.measure),
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--full", action="store_true", help="every case with every peer")
    parser.add_argument("--write", action="store_true", help=f"write {table.PAGE.name}")
    parser.add_argument("--flush", action="store_true", help="torch.set_flush_denormal(True)")
    chosen = parser.parse_args()
    if chosen.flush:
        torch.set_flush_denormal(True)  # before torch's threads start: they are as the first one is
    unknown = set(chosen.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark is named {', '.join(sorted(unknown))}; {', '.join(NAMES)} are")
    for name in chosen.names or NAMES:
        heading, measure = NAMES[name]
        started = time.perf_counter()
        section = measure(chosen.full, tell)
        tell(f"{heading}: {time.perf_counter() - started:.0f} s")
        print(f"\n## {heading}\n\n{section}\n", flush=True)
        if chosen.write:
            flags = [f" --{flag}" for flag in ("full", "flush") if getattr(chosen, flag)]
            command = f"python benchmarks {name}{''.join(flags)}"
            table.put(heading, command, section)


if __name__ == "__main__":
    main()
