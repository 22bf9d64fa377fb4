"""Training, from a recipe to a run and its checkpoint."""
