"""From finished cells to `result.json`, and a finished duel as a report reads it."""
