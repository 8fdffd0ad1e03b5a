"""Model: names and scaling of its inputs."""

from __future__ import annotations

import numpy as np

from graduel.data.schema import Schema
from graduel.models.model import Model
from graduel.nn import Dense, Flatten, Network


def build_net(schema: Schema, shape: tuple[int, ...]) -> Model:
    network = Network((Flatten(), Dense(2)), shape)
    weights = network.init(np.random.default_rng(0))
    return Model("net", "a network", schema, network=network, weights=weights)


def test_inputs_are_named_by_pixel_or_index():
    colors = build_net(Schema("images", ("a", "b"), (2, 1, 3)), (6,))
    assert colors.input_names[:4] == (
        "row 0, column 0, channel 0",
        "row 0, column 0, channel 1",
        "row 0, column 0, channel 2",
        "row 1, column 0, channel 0",
    )
    assert build_net(Schema("digits", ("a", "b"), (1, 2, 1)), (2,)).input_names[1] == (
        "row 0, column 1"
    )
    assert build_net(Schema("numbers", ("a", "b")), (2,)).input_names == ("input 0", "input 1")


def test_pixels_are_scaled_for_networks_only():
    schema = Schema("images", ("a", "b"), (1, 2, 1), 1 / 255)
    pixels = np.array([[[0, 255]]], np.uint8)
    net = build_net(schema, (2,))
    matrix = net.prepare(pixels)
    assert (matrix.dtype, matrix.tolist()) == (np.uint8, [[0, 255]])
    np.testing.assert_allclose(net.scale(matrix), [[0, 1]])
    assert net.scale(matrix).dtype == np.float32
    np.testing.assert_array_equal(net.predict_proba(pixels), net.predict_proba_prepared(matrix))
    assert Model("xgboost", "trees", schema).scale(matrix) is matrix
