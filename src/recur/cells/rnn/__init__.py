"""The simple recurrent cell; see step.py."""
