"""Face of `ganzoo.games.priors`: the paths by which recipes name a prior of codes."""

from ganzoo.games.priors import CodePrior, Flower, Gaussian, GaussianMixture, SwissRoll

__all__ = ["CodePrior", "Flower", "Gaussian", "GaussianMixture", "SwissRoll"]
