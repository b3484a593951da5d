"""`python -m recur`: a program for torch."""

from __future__ import annotations

PROGRAM = """
import os, sys
assert "torch" not in sys.modules
os.environ["OMP_NUM_THREADS"] = "1"
import recur
print(recur.LSTM.__module__)
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(30, 8)
        self.reader = nn.LSTM(8, 8)
        self.writer = nn.GRU(8, 8)
    def forward(self, x):
        return self.writer(self.reader(self.words(x))[0])[0]
torch.set_num_threads(1)
net = Net()
net(torch.zeros(160, 4, dtype=torch.long)).sum().backward()
print(torch.get_num_threads(), type(net.reader) is nn.LSTM, sys.argv[1:])
"""
TABLE = """\
program.py:12  torch.nn.Embedding  swapped: recur.Embedding
program.py:13  torch.nn.LSTM       swapped: recur.LSTM
program.py:14  torch.nn.GRU        not swapped: the program asked for that"""


def test_a_program_as_it_stands(run, written):
    written({"program.py": PROGRAM})
    options = ["--report", "--leave", "program.py:14", "--leave=LSMT"]
    status, printed, errors, said = run("-m", "recur", *options, "program.py", "--report")
    assert (status, errors) == (0, TABLE.splitlines())
    assert printed == "recur.layers.lstm\n1 True ['--report']\n"
    assert said == ["--leave: no layer was met that is LSMT."]
