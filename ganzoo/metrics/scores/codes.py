"""Share of a codebook that reconstructions use, and the perplexity of its use."""

import torch
from torch import Tensor

from ganzoo.games.capabilities import HasCodebook
from ganzoo.metrics.bootstrap import Scored, of_sets
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting


class CodeUse(Score):
    """How many of a codebook's codes occur in the reference's samples, and how evenly.

    `codes_used` is the share of the codes that occur at all, which grows with the number of samples; `codes_perplexity`
    is exp of the entropy of their frequencies, the number of codes that would have it if all were equally frequent.
    """

    higher = True
    gives = ("codes_used", "codes_perplexity")
    outputs = ("reconstructions",)
    conditions = True

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that the model has no codebook, if it is known and has none."""
        if context.model is None or isinstance(context.model, HasCodebook):
            return None
        return f"{type(context.model).__name__} has no codebook; leave it out."

    def measure(self, samples: Items, reference: Items, setting: Setting) -> dict[str, Scored]:
        """Returns the share and the perplexity."""
        codes: int = setting.model.n_codes
        assert isinstance(samples.conditions, Tensor), "reconstructions have codes"
        indices = samples.conditions.flatten(1).cpu()

        def counts(chosen: Tensor) -> Tensor:
            return torch.bincount(indices[chosen].flatten(), minlength=codes).double()

        def used(chosen: Tensor) -> Tensor:
            return (counts(chosen) > 0).double().mean()

        def perplexity(chosen: Tensor) -> Tensor:
            shares = counts(chosen) / (len(chosen) * indices.shape[1])
            return (-torch.special.xlogy(shares, shares).sum()).exp()

        every = torch.arange(len(indices))
        drawn = {"samples": every}
        return {
            "codes_used": Scored(used(every), of_sets(drawn, used, least=0, most=1)),
            "codes_perplexity": Scored(perplexity(every), of_sets(drawn, perplexity, least=1, most=codes)),
        }
