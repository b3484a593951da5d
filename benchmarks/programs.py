"""Programs that we did not write, before and after `recur.patch()`: seconds, and the same results.

    make bench-programs                        # installs them, runs all, writes docs/benchmarks.md
    python benchmarks/programs.py --check      # the results alone, a step or two of each
    python benchmarks/programs.py [--only darts] [--repeats 3] [--threads 1 2] [--write]

Twenty-one public libraries (`strangers/`) with their own defaults, but fewer steps, on data that
packages bring along. Each runs in a process and an environment of its own; both sides take turns in
it, each time from the same seed, and what the trained model says must agree.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import table
from peer import ROOT, tell
from strangers import all_programs
from strangers.program import Program

from recur.bench import machine

HEADING = "Programs that we did not write"
# What the order of sums in float32 explains, after training.
CLOSE = 1e-3


def python_of(program: Program) -> Path:
    """The Python of its environment."""
    return ROOT / ".peers" / program.environment / "bin" / "python"


def run(program: Program, steps: int, threads: list[int], repeats: int) -> dict[str, Any]:
    """What the program's process found.

    Raises:
        RuntimeError: it failed, with the end of what it said.
    """
    asked = {"name": program.name, "steps": steps, "threads": threads, "repeats": repeats}
    place = {"PYTHONPATH": str(Path(__file__).parent), "TQDM_DISABLE": "1"}
    # Some leave files where they run.
    with tempfile.TemporaryDirectory() as folder:
        left = Path(folder, "found.json")
        done = subprocess.run(
            [python_of(program), "-m", "strangers", json.dumps(asked), left],
            cwd=folder,
            env={**os.environ, **place},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if done.returncode:
            raise RuntimeError("\n".join(done.stdout.strip().splitlines()[-12:]))
        found: dict[str, Any] = json.loads(left.read_text())
    return found


def taken(found: dict[str, Any]) -> str:
    """Places where layers are made that run on recur, by kind; and why others do not."""
    made = [each for each in found["rows"] if not each[0].startswith("(")]  # no copies of them
    yes = [kind.rpartition(".")[2] for _, kind, swapped, _ in made if swapped]
    no = [f"{kind.rpartition('.')[2]}: {about}" for _, kind, swapped, about in made if not swapped]
    words = [f"{yes.count(kind)} {kind}" for kind in dict.fromkeys(yes)]
    return "; ".join([", ".join(words) or "none", *dict.fromkeys(no)])


def row(program: Program, steps: int, found: dict[str, Any]) -> list[str]:
    """Of the table: for each number of threads the plain seconds, and how many times as fast."""
    name = f"{program.package} {found['version']}: {program.part}"
    cells = [name, program.work.format(steps), taken(found)]
    for turns in found["seconds"].values():
        before, after = (statistics.median(side) for side in zip(*turns, strict=True))
        cells += [f"{before:.2f}", table.times(before / after)]
    return [*cells, f"{found['difference']:.0e}"]


def columns(threads: list[int]) -> list[str]:
    """The table's."""
    words = ["program", "network and work", "taken"]
    for count in threads:
        words += [f"plain, s ({count} thr.)", f"with recur ({count} thr.)"]
    return [*words, "difference"]


def main() -> None:
    """Prints the table, and writes it if asked; fails if a program fails or says other things."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="programs whose name holds this")
    parser.add_argument("--check", action="store_true", help="a step or two, no times")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--write", action="store_true", help=f"write {table.PAGE.name}")
    chosen = parser.parse_args()
    threads = [] if chosen.check else chosen.threads
    print(f"{machine()}\n")
    rows, wrong = [], []
    for program in all_programs():
        if chosen.only not in program.name:
            continue
        if not python_of(program).exists():
            tell(f"{program.name}: not installed, left out (`make bench-programs` installs it)")
            continue
        steps = program.few if chosen.check else program.steps
        try:
            found = run(program, steps, threads, chosen.repeats)
        except RuntimeError as error:
            tell(f"{program.name} failed:\n{error}")
            wrong.append(program.name)
            continue
        rows.append(row(program, steps, found))
        tell(f"| {' | '.join(rows[-1])} |")
        if not found["difference"] < CLOSE:
            own = found["own difference"]
            tell(f"{program.name}: results differ; two plain runs of it by {own:.0e}")
            wrong.append(program.name)
    section = table.table(columns(threads), rows, words=3)
    print(section)
    if chosen.write:
        how = "--check" if chosen.check else f"--repeats {chosen.repeats}"
        command = f"python benchmarks/programs.py {how}"
        table.put(HEADING, command, section)
    if wrong:
        sys.exit(f"failed, or other results with recur: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
