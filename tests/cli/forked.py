"""Runs command lines, each in a process of its own; torch is imported once for all of them.

Reads a JSON list from standard input: {"words": [...], "limit": bytes or null, "stdout": path or
null, "env": {...}}. Writes a JSON list to the file named by its argument: {"status", "out", "err"}.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import resource
import sys
from pathlib import Path

from recur.cli import main


def run(job, number):
    out, err = (Path(f".{number}.{name}") for name in ("out", "err"))
    child = os.fork()
    if not child:
        os.environ.update(job.get("env") or {})
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(job.get("stdout") or out, flags), 1)
        os.dup2(os.open(err, flags), 2)
        if job.get("limit"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], resource.RLIM_INFINITY))
        sys.argv = ["recur", *job["words"]]
        status = main()
        if job.get("stdout"):
            sys.exit(status)  # as the installed command does, with all that Python does at its end
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    found = {
        "status": status,
        "out": out.read_text() if out.exists() else "",
        "err": err.read_text(),
    }
    for path in (out, err):
        path.unlink(missing_ok=True)
    return found


if __name__ == "__main__":
    report = sys.argv[1]
    for late in ("matplotlib.backends.backend_agg", "torch._dynamo"):  # optimizers import it
        importlib.import_module(late)
    with contextlib.redirect_stdout(io.StringIO()):
        main(["train", "sentiment", "--help"])  # what is imported late is imported here, once
    gc.freeze()
    jobs = json.load(sys.stdin)
    done = [run(job, number) for number, job in enumerate(jobs)]
    Path(report).write_text(json.dumps(done))
