"""A variant, a network, a data set and a metric for ganzoo, in a package of their own."""
