"""A page without a server: a small network and boosted trees on digits, and a playground in 2-D."""
