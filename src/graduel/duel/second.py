"""A finished suite by log loss, where another metric led it."""

from __future__ import annotations

from graduel.duel.metrics import metric_of
from graduel.duel.results import Suite

SECOND = "log_loss"
"""What contenders are also compared by where something else leads: all of them are asked for
probabilities, and errors do not say how good these are."""


def by_log_loss(suite: Suite) -> Suite | None:
    """Return the suite with log loss in the place of its metric, as figures and tables take it.

    None where log loss is its metric, where nothing is compared, and for suites of before there
    was any. Nothing is trained: the contenders learned, and chose, by the duels' own metrics.
    """
    found = suite.result.get("by_log_loss")
    if found is None:
        return None
    metric = metric_of(SECOND)
    changed = {
        "metric": metric.name,
        "metric_title": metric.title,
        "metric_unit": metric.unit,
        "lower_is_better": metric.lower_is_better,
        "rope": found["rope"],
    }
    datasets = [
        line
        | {
            "contenders": {
                name: entry | {"value": entry["log_loss"], "interval": None}
                for name, entry in line["contenders"].items()
            }
        }
        for line in suite.result["datasets"]
    ]
    protocol = suite.result["protocol"] | changed
    result = {"protocol": protocol, "datasets": datasets, "across": found["across"]}
    return Suite(suite.path, suite.result | result | {"by_log_loss": None})
