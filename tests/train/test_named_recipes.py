"""Named recipes: as a base in --net, as contenders, and in ``benchmarks/images.py``."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graduel.contenders.registry import get_contender
from graduel.data.source import DataSource
from graduel.duel.plan.experiment import plan_experiment
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.errors import UserError
from graduel.train.build.network_builder import check_recipe
from graduel.train.build.recipe_parser import parse_recipe, validate_recipe
from graduel.train.recipes import RECIPES, NetRecipe

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_be_named_and_built(name):
    recipe = parse_recipe(f"recipe={name} epochs=3", NetRecipe(layers=(5,)))
    assert recipe == replace(RECIPES[name], epochs=3)
    assert validate_recipe(RECIPES[name]) == RECIPES[name]


@pytest.mark.parametrize("name", ["mnist", "mnist-augmented"])
def test_recipes_for_digits_fit_digits(name):
    assert check_recipe(RECIPES[name], 784, 10, image=(28, 28, 1)).layout.size > 1_000_000


def test_the_convolutional_recipe_fits_images_of_any_size():
    net = check_recipe(RECIPES["mnist-conv"], 784, 10, image=(28, 28, 1))
    assert sum(type(layer).__name__ == "Conv2D" for layer in net.layers) == 6
    assert check_recipe(RECIPES["mnist-conv"], 192, 3, image=(8, 8, 3)).output_shape == (3,)


def test_fields_beside_a_recipe_override_it_in_any_order():
    recipe = parse_recipe("lr=0.5 recipe=mnist", NetRecipe())
    assert recipe == replace(RECIPES["mnist"], lr=0.5)


def test_an_unknown_recipe_raises_with_a_suggestion():
    with pytest.raises(UserError, match=r"got 'mnst'\. Did you mean 'mnist'\?"):
        parse_recipe("recipe=mnst", NetRecipe())
    with pytest.raises(UserError, match="may occur once"):
        parse_recipe("recipe=mnist recipe=mnist", NetRecipe())
    with pytest.raises(UserError, match=r"Did you mean 'recipe'\?"):
        parse_recipe("recipes=mnist", NetRecipe())


def test_an_experiment_varies_recipes():
    protocol = plan_experiment(
        DataSource.builtin("mnist"),
        vary=["recipe=mnist,mnist-augmented"],
        net="epochs=1",
        quick=True,
    )
    augments = [spec["recipe"]["augment"] for spec in protocol.contenders.values()]
    assert [augment == "none" for augment in augments] == [True, False]


def test_named_recipes_are_contenders_for_images():
    protocol = build_protocol(
        DataSource.builtin("mnist"), contenders=["net-conv", "net-best", "net-augmented", "net"]
    )
    assert list(protocol.contenders) == ["net", "net-best", "net-augmented", "net-conv"]
    assert protocol.contenders["net-best"]["title"] == "best dense network"
    for name in ("net-best", "net-augmented", "net-conv"):
        _, contender = get_contender(name)
        assert not contender.default
        assert contender.images.quick.epochs < contender.images.full.epochs
        assert protocol.contenders[name]["family"] == "net"


def test_recipes_for_images_raise_for_a_table(tmp_path):
    from graduel.data.source import open_source

    path = tmp_path / "table.csv"
    lines = [f"{i % 7},{i % 5},{'ab'[i % 2]}" for i in range(200)]
    path.write_text("x,y,label\n" + "\n".join(lines), encoding="utf-8")
    with pytest.raises(
        UserError, match=r"net-best is for images; this data set is a table\. Choose net"
    ):
        build_protocol(open_source(path, target="label"), contenders=["net", "net-best"])


@pytest.fixture
def images(monkeypatch):
    if not BENCHMARKS.exists():
        pytest.skip("there is no benchmarks folder")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # a benchmark refuses them
        monkeypatch.delenv(name, raising=False)
    import images

    return images


@pytest.fixture
def folder(tmp_path):
    """A folder with 200 tiny training images of three classes, as IDX files."""
    rng, path = np.random.default_rng(0), tmp_path / "tiny"
    path.mkdir()
    for part, n in (("train", 200), ("t10k", 60)):
        y = rng.permutation(np.arange(n) % 3).astype(np.uint8)
        X = rng.integers(0, 60, size=(n, 6, 5), dtype=np.uint8)
        X[np.arange(n), 2 * y] += 180
        head = b"".join(v.to_bytes(4, "big") for v in (0x803, n, 6, 5))
        (path / f"{part}-images-idx3-ubyte").write_bytes(head + X.tobytes())
        head = b"".join(v.to_bytes(4, "big") for v in (0x801, n))
        (path / f"{part}-labels-idx1-ubyte").write_bytes(head + y.tobytes())
    return path


def test_the_benchmark_writes_one_line_per_run_resumes_and_plots(
    images, folder, tmp_path, monkeypatch, capsys
):
    out, drawn = tmp_path / "runs.jsonl", tmp_path / "runs.svg"
    net = "layers=8 batch_size=16 augment=warp(shift=0,elastic=0) dropout=0"

    def run(*more):
        command = ["mnist", "--data", str(folder), "--net", net, "--epochs", "4", "--threads", "1"]
        monkeypatch.setattr(sys, "argv", ["images.py", *command, "--out", str(out), *more])
        images.main()
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    (first,) = run()
    assert first["recipe"] == "mnist"
    assert first["dataset"] == "tiny"
    assert (first["seed"], first["epochs"], first["threads"]) == (0, 4, 1)
    assert 0 <= first["test_error"] <= 1
    assert 0 <= first["valid_error"] <= 1
    assert first["log_loss"] > 0
    assert first["seconds"] > 0
    assert set(first["versions"]) == set(images.VERSIONS)
    (second,) = run("--seeds", "2", "--plot", str(drawn))
    assert second["seed"] == 1
    assert run("--seeds", "2") == []
    assert len(out.read_text(encoding="utf-8").splitlines()) == 2
    text = drawn.read_text(encoding="utf-8")
    assert text.startswith("<?xml")
    assert "seconds of training" in text


def test_the_benchmark_raises_one_line_errors(images, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["images.py", "mnst"])
    with pytest.raises(SystemExit, match="Did you mean 'mnist'"):
        images.main()
    monkeypatch.setattr(sys, "argv", ["images.py", "--plot", "a.svg"])
    with pytest.raises(SystemExit):
        images.main()
    command = ["images.py", "--plot", str(tmp_path / "a.svg"), "--out", str(tmp_path / "none")]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit, match="holds no runs"):
        images.main()


def test_a_benchmark_drops_what_selects_other_blas_kernels():
    if not BENCHMARKS.exists():
        pytest.skip("there is no benchmarks folder")
    env = {**os.environ, "OPENBLAS_CORETYPE": "Haswell"}

    def run(code):
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, cwd=BENCHMARKS, env=env, capture_output=True, text=True, check=False
        )

    done = run("import os, machine; print(os.environ.get('OPENBLAS_CORETYPE'), machine.describe())")
    assert done.stdout.startswith("None ")
    assert "NumPy" in done.stdout
    refused = run("import numpy, machine")
    assert refused.returncode == 1
    assert "OPENBLAS_CORETYPE" in refused.stderr
