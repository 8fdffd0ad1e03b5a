"""The network on a table larger than memory: the same training, on rows from disk."""

from __future__ import annotations

import numpy as np

from graduel.contenders.prepared_table import PreparedTable
from graduel.data.prepare.preparation import NetPreparation
from graduel.data.row_groups.prepared_stream import BUFFER_ROWS, PreparedStream
from graduel.data.row_groups.sharded_table import ShardedTable
from graduel.train.loop.parallel import Collective
from graduel.train.loop.training import Training
from graduel.train.recipes import NetRecipe


def start_streamed_training(
    recipe: NetRecipe,
    table: ShardedTable,
    seed: int,
    buffer_rows: int = BUFFER_ROWS,
    collective: Collective | None = None,
) -> tuple[PreparedTable, Training]:
    """Fit the recipe's preparation on the summaries, and build the training on the row groups.

    With a collective, `table` is this worker's shard.
    """
    preparation = NetPreparation.from_summaries(table.summaries, **recipe.preparation)
    stream = PreparedStream(table, preparation, seed=seed, buffer_rows=buffer_rows)
    rng = np.random.default_rng(seed)
    return PreparedTable(preparation), Training.on_stream(
        recipe, stream, rng=rng, inputs=preparation, collective=collective
    )
