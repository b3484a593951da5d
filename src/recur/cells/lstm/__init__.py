"""The LSTM cell; see step.py."""
