"""The minGRU cell; see step.py."""
