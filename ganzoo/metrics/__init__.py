"""Scores of generated data: FID, IS and KID on an extractor's features, sliced Wasserstein distance, points."""
