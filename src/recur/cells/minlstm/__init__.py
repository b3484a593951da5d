"""The minLSTM cell; see step.py."""
