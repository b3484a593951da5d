"""The IndRNN cell; see step.py."""
