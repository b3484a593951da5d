"""recur: recurrent neural networks, one loop over time with shared weights and a memory."""
