"""Games: the training loop, its players, the kinds of game, and latent spaces."""
