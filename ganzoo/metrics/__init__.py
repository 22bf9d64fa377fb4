"""How good samples are: FID, IS and KID on an extractor's features, sliced Wasserstein distance, scores for points."""
