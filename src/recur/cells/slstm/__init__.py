"""The sLSTM cell; see step.py."""
