"""Pictures, movies and figures from tensors and curves."""
