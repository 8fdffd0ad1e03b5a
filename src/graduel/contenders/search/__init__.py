"""Tuning under a budget: what may be searched, the search, and a contender that is searched for."""
