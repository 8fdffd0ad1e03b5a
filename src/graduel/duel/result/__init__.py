"""Results: ``result.json`` from finished cells, and finished duels for reports."""
