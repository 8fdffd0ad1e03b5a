"""Networks given on the command line with --net."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.errors import UserError
from graduel.train.build.network_builder import build_network
from graduel.train.build.recipe_parser import PARSERS, parse_recipe
from graduel.train.recipes import NetRecipe


def test_parse_net_reads_every_key():
    recipe = parse_recipe(
        "layers=64,32 activation=tanh dropout=0 optimizer=nesterov lr=1e-1 momentum=0.5 "
        "weight_decay=0 schedule=constant warmup=0 batch_size=32 epochs=3",
        NetRecipe(),
    )
    assert recipe == NetRecipe(
        layers=(64, 32),
        activation="tanh",
        dropout=0,
        optimizer="nesterov",
        lr=0.1,
        momentum=0.5,
        weight_decay=0,
        schedule="constant",
        warmup=0,
        batch_size=32,
        epochs=3,
    )
    assert [type(layer).__name__ for layer in build_network(recipe, 4, 3).layers] == [
        "Dense",
        "Tanh",
        "Dense",
        "Tanh",
        "Dense",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layers=0", "list of sizes .*got '0'"),
        ("layers=12,", "list of sizes .*got ''"),
        ("layers=a", "list of sizes"),
        ("layers=99999999999999999999", "from 1 to 100,000"),
        ("activation=rleu", r"one of 'identity', 'relu', .*; got 'rleu'. Did you mean 'relu'\?"),
        ("optimizer=adamww", r"Did you mean 'adamw'\?"),
        ("schedule=x", "schedule must be one of 'constant', .*; got 'x'"),
        ("lr=0", "lr in --net must be a number above 0; got '0'"),
        ("lr=nan", "lr in --net must be a number above 0; got 'nan'"),
        ("lr=inf", "lr in --net must be a number above 0"),
        ("dropout=1", "at least 0 and below 1; got '1'"),
        ("momentum=-0.1", "at least 0 and below 1"),
        ("weight_decay=x", "weight_decay in --net must be a number at least 0"),
        ("epochs=1.5", "epochs in --net must be an integer of at least 1; got '1.5'"),
        ("batch_size=0", "batch_size in --net must be an integer"),
        ("layer=5", r"Did you mean 'layers'\?"),
        ("epochs", "key=value pairs .*got 'epochs'"),
        ("epochs=3 epochs=4", "got 'epochs' twice"),
        ("  ", "at least one key=value pair"),
    ],
)
def test_invalid_net_texts_raise(text, message):
    with pytest.raises(UserError, match=message):
        parse_recipe(text, NetRecipe())


@given(st.dictionaries(st.sampled_from(list(PARSERS)), st.text(max_size=8), max_size=4))
def test_any_text_is_parsed_or_raises_a_one_line_error(parts):
    try:
        recipe = parse_recipe(" ".join(f"{k}={v}" for k, v in parts.items()), NetRecipe())
    except UserError as error:
        assert str(error)
        assert "\n" not in str(error)
    else:
        assert recipe.layers
