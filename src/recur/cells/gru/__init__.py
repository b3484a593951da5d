"""The GRU cell; see step.py."""
