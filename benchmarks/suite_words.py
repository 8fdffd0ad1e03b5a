"""The tables and figures of docs/tabular.md, from a finished suite.

    graduel duel TABLES --target target --split 5x1 --contenders net,xgboost-td,… --out suite
    python benchmarks/suite_words.py suite --of net --plot docs/images

Prints as Markdown: error and log loss of every contender on every table, the mean ranks, and the
verdicts on `--of` against every other contender. `--plot` is the folder for the two
critical-difference diagrams. Nothing is trained.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl

from graduel.duel.result.outcome import Suite
from graduel.duel.suite.suite_runner import load_suite
from graduel.report import critical_difference
from graduel.report.draw.contender_names import list_titles
from graduel.report.suite import critical_difference as mean_ranks
from graduel.report.suite import wins


def lines(suite: Suite) -> Iterator[str]:
    """Yield error in % and log loss by table and contender; the best of each line is bold."""
    names, other = list(suite.result.contenders), suite.by_log_loss()
    assert other is not None
    yield "| | rows | " + " | ".join(names) + " |"
    yield "|---|---:|" + "---:|" * len(names)
    for error, loss in zip(suite.result.datasets, other.result.datasets, strict=True):
        cells = []
        best = [min(line.contenders[n].value for n in names) for line in (error, loss)]
        for name in names:
            values = [line.contenders[name].value for line in (error, loss)]
            texts = [f"{100 * values[0]:.2f}", f"{values[1]:.3f}"]
            bold = [v == b for v, b in zip(values, best, strict=True)]
            cells.append(
                ", ".join(f"**{t}**" if b else t for t, b in zip(texts, bold, strict=True))
            )
        yield f"| {error.name} | {error.rows:,} | {' | '.join(cells)} |"


def ranks(suite: Suite) -> Iterator[str]:
    """Yield the mean ranks by error and by log loss, and the median training times."""
    other = suite.by_log_loss()
    assert other is not None
    second = {row[0]: row[1] for row in mean_ranks.build_table(other).rows}
    yield "| | mean rank by error | by log loss | median training, one thread |"
    yield "|---|---:|---:|---:|"
    for title, rank, seconds in mean_ranks.build_table(suite).rows:
        yield f"| {title} | {rank} | {second[title]} | {seconds} |"


def verdicts(suite: Suite, of: str) -> Iterator[str]:
    """Yield the verdicts on one contender against every other, by error and by log loss."""
    for one in (suite, suite.by_log_loss()):
        assert one is not None
        called = list_titles(one)
        yield f"| {one.result.protocol.metric_title}: A − B " + (
            "| wins, ties, losses | p (Wilcoxon) | adjusted | A / equal / B, % | verdict |"
        )
        yield "|---|---|---:|---:|---|---|"
        pairs = zip(one.result.across.pairs, wins.build_table(one).rows, strict=True)
        for pair, row in pairs:
            if of in (pair.a, pair.b):
                count = ", ".join(row[1:4])
                yield f"| {row[0]} | {count} | {row[7]} | {row[8]} | {row[9]} | {row[4]} |"
        yield ""
        best = min(one.result.across.ranks, key=one.result.across.ranks.get)
        yield f"Best mean rank: {called[best]}."
        yield ""


def main() -> None:
    """Print all tables; plot if requested."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("suite", type=Path, help="folder of a finished suite")
    parser.add_argument("--of", default="net", help="the contender whose verdicts are printed")
    parser.add_argument("--plot", type=Path, help="folder for the diagrams")
    options = parser.parse_args()
    suite = load_suite(options.suite)
    for part in (lines(suite), ranks(suite), verdicts(suite, options.of)):
        print("\n".join(part) + "\n")
    if options.plot is not None:
        for name, one in (("error", suite), ("log-loss", suite.by_log_loss())):
            assert one is not None
            with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "graduel"}):
                path = options.plot / f"tables-ranks-{name}.svg"
                critical_difference(one).savefig(path, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
