"""What commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from recur.bench import Compared, machine
from recur.diagnostics import Attribution
from recur.messages import aside as aside
from recur.run import Inspection, Run, Scores
from recur.run.pictures import attempted
from recur.tasks.task import Prediction


def as_json(content: dict[str, Any]) -> None:
    """Prints one JSON object, on a line."""
    print(json.dumps(content, ensure_ascii=False))


def rows(
    columns: Sequence[str], content: Sequence[Sequence[str]], json_wanted: bool, name: str
) -> None:
    """Prints a table that fits the terminal, or the same as JSON under `name`."""
    if json_wanted:
        as_json({name: [dict(zip(columns, row, strict=True)) for row in content]})
        return
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    drawn = Table(box=box.SIMPLE)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in content:
        drawn.add_row(*map(escape, row))
    Console().print(drawn)


def compared(found: Sequence[Compared], peak: float, json_wanted: bool) -> None:
    """Prints timings: `peak` is the rate of a plain matrix product."""
    if json_wanted:
        timings = [
            {
                "mode": each.mode,
                "milliseconds": {side: 1e3 * value for side, value in each.seconds.items()},
                "times_as_fast": each.ratio("torch.nn"),
                "share_of_peak": each.flops / peak,
            }
            for each in found
        ]
        case = found[0].case.to_json()
        as_json({"machine": machine(), "case": case, "timings": timings})
        return
    columns = ("mode", "recur", "torch.nn", "recur is", "share of matrix-product peak")
    content = [
        (
            each.mode,
            *(f"{1e3 * each.seconds[side]:.3f} ms" for side in ("recur", "torch.nn")),
            f"{each.ratio('torch.nn'):.2f}x as fast",
            f"{each.flops / peak:.0%} of {peak / 1e9:.0f} GFLOP/s",
        )
        for each in found
    ]
    rows(columns, content, False, "timings")


def trained(finished: Run, json_wanted: bool) -> None:
    """Prints what a training gave, and which of its epochs was kept."""
    best, monitor = finished.metrics["best_epoch"], finished.task.monitor
    value = finished.history[monitor][best - 1]
    aside(f"Kept epoch {best} of {len(finished.history)}, the best by {monitor}: {value:.4f}")
    plots = sorted(str(path) for path in (finished.path / "plots").glob("[!.]*.png"))
    if json_wanted:
        as_json({"run": str(finished.path), **finished.metrics, "plots": plots})
        return
    print(finished.scores)
    for path in plots:
        print(f"plot: {path}")


def scores(found: Scores, json_wanted: bool, **more: Any) -> None:
    """Prints scores with their notes."""
    if json_wanted:
        as_json({**more, "scores": found.values, "notes": list(found.notes)})
    else:
        print(found)


def predictions(
    run: Run,
    found: Sequence[Prediction],
    draw: Callable[[], list[Path]],
    json_wanted: bool,
    reasons: Sequence[Attribution] = (),
) -> None:
    """Prints predictions and the reasons for them, if there are any, then draws them."""
    if json_wanted:
        answers = [prediction.to_json() for prediction in found]
        drawn = [str(path) for path in attempted(draw, aside)]
        content = {"run": str(run.path), "predictions": answers, "plots": drawn}
        as_json({**content, "why": [each.to_json() for each in reasons]} if reasons else content)
        return
    for number, prediction in enumerate(found):
        print(prediction)
        if reasons:
            _reason(reasons[number])
    paths(attempted(draw, aside))


def _reason(found: Attribution) -> None:
    """In colour on a terminal, then what mattered most in words."""
    from rich.console import Console

    Console().print(found, soft_wrap=True)
    print(found)


def inspection(
    run: Run, found: Inspection, draw: Callable[[], list[Path]], json_wanted: bool
) -> None:
    """Prints what was found inside a run, then draws it."""
    if json_wanted:
        drawn = [str(path) for path in attempted(draw, aside)]
        as_json({"run": str(run.path), **found.to_json(), "plots": drawn})
        return
    print(found)
    paths(attempted(draw, aside))


def paths(drawn: Sequence[Path]) -> None:
    """Prints where figures are."""
    for path in drawn:
        print(f"plot: {path}")
