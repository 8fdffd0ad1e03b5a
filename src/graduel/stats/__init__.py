"""Statistics for comparing models, as functions of arrays (NumPy and SciPy only).

- Counts on one test set: McNemar's test, Tango's and Wilson's intervals.
- Means over test rows and seeds: :func:`paired_t`, :func:`two_way_t`.
- Losses by row: sign-flip permutation test and bootstrap; :func:`paired_loss_t` for errors of
  regression, whose tails are heavy.
- Cross-validation: the corrected resampled t-test, also from the scores of other tools.
- Many data sets: signed-rank test and mean ranks.
- Sample sizes for each of these.
- Conformal intervals and sets for the predictions of one model.

``docs/statistics.md`` explains what each is used for, and why.

Examples
--------
>>> from graduel.stats import holm, mcnemar_midp
>>> [round(p, 4) for p in holm([mcnemar_midp(1, 7), mcnemar_midp(30, 10)])]
[0.0391, 0.0029]
"""

from graduel.stats.bootstrap import Bootstrap, draw_count_blocks
from graduel.stats.conformal import (
    Coverage,
    aps_scores,
    calibration_rows_needed,
    conformal_interval,
    conformal_quantile,
    conformal_sets,
    interval_coverage,
    interval_scores,
    lac_scores,
    select_true,
    set_coverage,
)
from graduel.stats.corrected_t import CorrectedT, compare_scores, corrected_t
from graduel.stats.multiplicity import holm
from graduel.stats.permutation import bootstrap_means, pool_rows, sign_flip_test
from graduel.stats.proportions import (
    mcnemar_exact,
    mcnemar_midp,
    paired_score_interval,
    wilson_interval,
)
from graduel.stats.ranks import critical_difference, find_groups, friedman, mean_ranks
from graduel.stats.row_losses import log_mean_values, paired_loss_t, root_mean_values
from graduel.stats.sample_size import (
    repeats_needed,
    rows_and_seeds_needed,
    rows_needed_corrected_t,
    rows_needed_equal,
    rows_needed_mcnemar,
)
from graduel.stats.signed_rank import SignedRank
from graduel.stats.two_way import MeanEstimate, Spread, error_interval, paired_t, two_way_t

__all__ = [
    "Bootstrap",
    "CorrectedT",
    "Coverage",
    "MeanEstimate",
    "SignedRank",
    "Spread",
    "aps_scores",
    "bootstrap_means",
    "calibration_rows_needed",
    "compare_scores",
    "conformal_interval",
    "conformal_quantile",
    "conformal_sets",
    "corrected_t",
    "critical_difference",
    "draw_count_blocks",
    "error_interval",
    "find_groups",
    "friedman",
    "holm",
    "interval_coverage",
    "interval_scores",
    "lac_scores",
    "log_mean_values",
    "mcnemar_exact",
    "mcnemar_midp",
    "mean_ranks",
    "paired_loss_t",
    "paired_score_interval",
    "paired_t",
    "pool_rows",
    "repeats_needed",
    "root_mean_values",
    "rows_and_seeds_needed",
    "rows_needed_corrected_t",
    "rows_needed_equal",
    "rows_needed_mcnemar",
    "select_true",
    "set_coverage",
    "sign_flip_test",
    "two_way_t",
    "wilson_interval",
]


def __dir__() -> list[str]:
    return list(__all__)
