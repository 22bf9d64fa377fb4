"""Networks that two or more variants use."""
