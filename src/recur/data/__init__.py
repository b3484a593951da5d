"""Sequences in and out: text and series to batches, with what was fitted on the training part."""
