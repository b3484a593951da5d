"""What commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recur.messages import aside as aside

if TYPE_CHECKING:
    from recur.bench import Compared
    from recur.diagnostics import Attribution
    from recur.run import Inspection, Run, Scores
    from recur.tasks.answers import Answer
    from recur.tasks.listener import Said


LONGEST_WORD = 20


def as_json(content: dict[str, Any]) -> None:
    """Prints one JSON object, on a line; JSON has no numbers that are not finite: null."""
    print(json.dumps(_finite(content), ensure_ascii=False, allow_nan=False))


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def rows(
    columns: Sequence[str], content: Sequence[Sequence[str]], json_wanted: bool, name: str
) -> None:
    """Prints a table that fits the terminal, or the same as JSON under `name`."""
    if json_wanted:
        as_json({name: [dict(zip(columns, row, strict=True)) for row in content]})
    else:
        table(columns, content)


def table(
    columns: Sequence[str], content: Sequence[Sequence[str]], *, stderr: bool = False
) -> None:
    """Prints a table that fits the terminal; where that is too narrow, a row is a few lines."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(stderr=stderr)
    cells = list(zip(columns, *content, strict=True))
    room = console.width - 3 * len(columns) - 1
    if sum(map(_widest_word, cells)) > room:
        for row in content:
            lines = [f"{name}: {cell}" for name, cell in zip(columns, row, strict=True)]
            console.print("\n".join([*lines, ""]), markup=False, highlight=False)
        return
    drawn = Table(box=box.SIMPLE)
    for column, width in zip(columns, _widths(cells, room), strict=True):
        drawn.add_column(column, overflow="fold", width=width)
    for row in content:
        drawn.add_row(*map(escape, row))
    console.print(drawn)


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """Widths of columns that break no word; those that lack most get what room is left."""
    widths = list(map(_widest_word, columns))
    lacking = [max(map(len, cells)) - width for cells, width in zip(columns, widths, strict=True)]
    for _ in range(room - sum(widths)):
        most = lacking.index(max(lacking))
        if lacking[most] <= 0:
            break
        widths[most] += 1
        lacking[most] -= 1
    return widths


def _widest_word(cells: Sequence[str]) -> int:
    """A column is no narrower: only a word that is longer, an address or a path, is broken."""
    words = (word for cell in cells for word in cell.split() if len(word) <= LONGEST_WORD)
    return max(map(len, words), default=0)


def compared(found: Sequence[Compared], peak: float, json_wanted: bool) -> None:
    """Prints timings: `peak` is the rate of a plain matrix product."""
    if json_wanted:
        from recur.bench import machine

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
    trained = finished.trained
    monitor = finished.task.objective(trained.options, trained.preprocessing).monitor
    best = finished.metrics["best_epoch"]
    value = finished.history[monitor][best - 1]
    aside(f"Kept epoch {best} of {len(finished.history)}, the best by {monitor}: {value:.4f}")
    plots = sorted(str(path) for path in (finished.path / "plots").glob("[!.]*.png"))
    if json_wanted:
        as_json({"run": str(finished.path), **finished.metrics, "plots": plots})
        return
    print(finished.scores)
    for path in plots:
        print(f"plot: {path}")


def scores(run: Run, found: Scores, draw: Callable[[], list[Path]], json_wanted: bool) -> None:
    """Prints scores with their notes, then draws them."""
    from recur.run.pictures import attempted

    if not json_wanted:
        print(found)
        paths(attempted(draw, aside))
        return
    content = {"run": str(run.path), "scores": found.values, "notes": list(found.notes)}
    drawn = [str(path) for path in attempted(draw, aside)]
    as_json({**content, "plots": drawn} if drawn else content)


def predictions(
    run: Run,
    found: Sequence[Answer],
    draw: Callable[[], list[Path]],
    json_wanted: bool,
    reasons: Sequence[Attribution] = (),
    saved: Sequence[Path] = (),
    *,
    told: bool = False,
) -> None:
    """Prints predictions, the reasons for them and where they were saved, then draws them.

    Those that were `told` stand there already.
    """
    from recur.run.pictures import attempted

    if json_wanted:
        answers = [prediction.to_json() for prediction in found]
        drawn = [str(path) for path in attempted(draw, aside)]
        content: dict[str, Any] = {"run": str(run.path), "predictions": answers, "plots": drawn}
        if saved:
            content["saved"] = [str(path) for path in saved]
        as_json({**content, "why": [each.to_json() for each in reasons]} if reasons else content)
        return
    for number, prediction in enumerate(found):
        if not told:
            _answer(prediction)
        if reasons:
            _reason(reasons[number])
    for path in saved:
        print(f"saved: {path}")
    paths(attempted(draw, aside))


def told(run: Run, inputs: Sequence[str], how: Mapping[str, Any]) -> list[Answer]:
    """Answers each input, and prints the answer as it is written."""
    if not inputs:
        return run.predict(inputs, **how)  # which says what is missing
    found = []
    for each in inputs:
        found += run.predict(each, tell=lambda text: print(text, end="", flush=True), **how)
        print(found[-1].rest())
    return found


def flagged(found: Sequence[Answer], json_wanted: bool) -> None:
    """Prints answers as they come, a line each, so that whoever reads them has them at once."""
    as_lines = (
        json.dumps(_finite(each.to_json()), ensure_ascii=False) if json_wanted else str(each)
        for each in found
    )
    if found:
        print("\n".join(as_lines), flush=True)


def said(found: Said, json_wanted: bool) -> None:
    """Prints what was heard anew, so that whoever reads it has it at once."""
    if json_wanted:
        as_json(found.to_json())
        sys.stdout.flush()
    else:
        print(found, end="", flush=True)


def _answer(found: Answer) -> None:
    """In colour on a terminal, where the answer has colours."""
    if not (hasattr(found, "__rich__") and sys.stdout.isatty()):
        print(found)
        return
    from rich.console import Console

    Console().print(found, soft_wrap=True)


def _reason(found: Attribution) -> None:
    """In colour on a terminal, then what mattered most in words."""
    from rich.console import Console

    Console().print(found, soft_wrap=True)
    print(found)


def inspection(
    run: Run, found: Inspection, draw: Callable[[], list[Path]], json_wanted: bool
) -> None:
    """Prints what was found inside a run, then draws it."""
    from recur.run.pictures import attempted

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
