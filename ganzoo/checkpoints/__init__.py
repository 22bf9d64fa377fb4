"""Trained models outside a run: folders, hashes, trust, cards, the Hub, and other runtimes."""
