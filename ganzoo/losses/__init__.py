"""Losses: pure functions of tensors and networks."""
