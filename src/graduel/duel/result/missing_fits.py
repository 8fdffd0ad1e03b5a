"""What an unfinished duel lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from graduel.duel.result.duel_result import MissingFits
from graduel.duel.store.plan_file import PLAN
from graduel.duel.store.store import Store, read_store
from graduel.duel.suite.training_sizes import SIZES
from graduel.duel.verdict.sentences import join_words
from graduel.duel.verdict.types import Comparison
from graduel.number_format import agree, format_quantity


def find_missing(
    store: Store,
    titles: Mapping[str, str],
    comparisons: Sequence[Comparison],
    against: str | None,
) -> MissingFits | None:
    """Return what a duel lacks, or None if it is finished.

    Parameters
    ----------
    store : its folder
    titles : titles of all planned contenders
    comparisons : those that the finished fits allow
    against : the contender that all others are compared with; None if every pair is compared
    """
    cells = list(store.protocol.cells())
    runs: dict[str, list[int]] = {}
    for cell in cells:
        if not store.is_finished(cell):
            runs.setdefault(cell.contender, []).append(cell.seed)
    sizes = _unfinished_sizes(store)
    if not runs and not sizes:
        return None
    failures = {name: text for name, text in store.read_failures().items() if name in runs}
    left_out = [name for name in runs if len(runs[name]) == store.protocol.runs]
    compared = {frozenset((one.a, one.b)) for one in comparisons}
    pairs = [
        pair
        for pair in combinations((name for name in titles if name not in left_out), 2)
        if (against is None or against in pair) and frozenset(pair) not in compared
    ]
    return MissingFits(
        fits=sum(map(len, runs.values())),
        planned=len(cells),
        contenders=tuple(titles[name] for name in left_out),
        runs={name: tuple(numbers) for name, numbers in runs.items()},
        pairs=tuple((titles[a], titles[b]) for a, b in pairs),
        sizes=sizes,
        sentence=_phrase(runs, len(cells), left_out, titles, pairs, sizes, failures),
        failures=failures,
    )


def _unfinished_sizes(store: Store) -> tuple[int, ...]:
    folders = (file.parent for file in store.path.glob(f"{SIZES}/*/{PLAN}"))
    return tuple(sorted(int(one.name) for one in folders if not read_store(one).all_finished()))


def _phrase(
    runs: Mapping[str, Sequence[int]],
    planned: int,
    left_out: list[str],
    titles: Mapping[str, str],
    pairs: Sequence[tuple[str, str]],
    sizes: Sequence[int],
    failures: Mapping[str, str],
) -> str:
    n = sum(map(len, runs.values()))
    sentences = []
    if n:
        some = [
            f"{titles[name]}: {agree(len(numbers), 'run', 'runs')} "
            + ", ".join(str(number) for number in numbers)
            for name, numbers in runs.items()
            if name not in left_out
        ]
        sentences.append(
            f"This duel is unfinished: {n} of {format_quantity(planned, 'fit')} "
            f"{agree(n, 'is', 'are')} missing" + (f" ({'; '.join(some)})." if some else ".")
        )
    for name, message in failures.items():
        sentences.append(f"{titles[name]} failed: {message}.")
    if left_out:
        words = join_words([titles[name] for name in left_out])
        sentences.append(f"Left out, because no fit is finished: {words}.")
    if pairs:
        text = join_words([f"{titles[a]} with {titles[b]}" for a, b in pairs])
        sentences.append(f"Not compared, because they share no complete run or repeat: {text}.")
    if n:
        sentences.append(
            "Each comparison uses the runs that both contenders have finished, and is corrected "
            "for all planned pairs; the finished duel may give another verdict."
        )
    if sizes:
        numbers = ", ".join(f"{size:,}" for size in sizes)
        sentences.append(f"The learning curve lacks unfinished sizes: {numbers}.")
    return " ".join(sentences)
