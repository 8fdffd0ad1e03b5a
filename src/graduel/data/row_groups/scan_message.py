"""The result of a pass over row groups as bytes, which workers send each other.

The bytes are MessagePack of plain data, with arrays in NumPy's format and frames in Arrow's;
reading them executes nothing.
"""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from graduel.data.prepare.column_summary import SUMMARIES
from graduel.data.prepare.distribution import Distribution

if TYPE_CHECKING:
    from graduel.data.row_groups.shard_scan import ShardScan

ARRAY, FRAME = 1, 2
"""The codes of arrays and frames among MessagePack's extension types."""
CLASSES: dict[str, type] = {one.__name__: one for one in (*SUMMARIES.values(), Distribution)}


def pack_scan(scan: ShardScan) -> bytes:
    """Return the bytes of a scan."""
    fields = {
        "summaries": [_to_plain(summary) for summary in scan.summaries],
        "counts": scan.counts,
        "n_unlabelled": scan.n_unlabelled,
        "train_rows": scan.train_rows,
        "valid": {number: [rows, y.to_frame()] for number, (rows, y) in scan.valid.items()},
    }
    return msgspec.msgpack.Encoder(enc_hook=_pack).encode(fields)


def unpack_scan(content: bytes) -> ShardScan:
    """Return the scan of :func:`pack_scan`'s bytes."""
    from graduel.data.row_groups.shard_scan import ShardScan

    fields: dict[str, Any] = msgspec.msgpack.Decoder(ext_hook=_unpack).decode(content)
    first, second, third = (Counter(counts) for counts in fields["counts"])
    return ShardScan(
        tuple(map(_from_plain, fields["summaries"])),
        (first, second, third),
        fields["n_unlabelled"],
        fields["train_rows"],
        {number: (rows, y.to_series()) for number, (rows, y) in fields["valid"].items()},
    )


def _to_plain(value: Any) -> Any:
    """Return a summary or a distribution as its class's name and its attributes."""
    if type(value).__name__ not in CLASSES:
        return value
    state = value.__getstate__() if isinstance(value, Distribution) else vars(value)
    return [type(value).__name__, {name: _to_plain(one) for name, one in state.items()}]


def _from_plain(value: Any) -> Any:
    name, state = value
    made: Any = object.__new__(CLASSES[name])
    for key, one in state.items():
        is_object = isinstance(one, list) and len(one) == 2 and one[0] in CLASSES
        state[key] = _from_plain(one) if is_object else one
    if isinstance(made, Distribution):
        made.__setstate__(state)
    else:
        vars(made).update(state)
        if "counts" in state:
            vars(made)["counts"] = Counter(state["counts"])
    return made


def _pack(value: Any) -> msgspec.msgpack.Ext:
    import polars as pl

    content = BytesIO()
    if isinstance(value, pl.DataFrame):
        value.write_ipc(content)
        return msgspec.msgpack.Ext(FRAME, content.getvalue())
    np.save(content, np.asarray(value), allow_pickle=False)
    return msgspec.msgpack.Ext(ARRAY, content.getvalue())


def _unpack(code: int, content: memoryview) -> Any:
    import polars as pl

    if code == FRAME:
        return pl.read_ipc(bytes(content))
    array = np.load(BytesIO(content), allow_pickle=False)
    return array if array.ndim else array[()]
