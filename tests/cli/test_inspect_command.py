"""``graduel inspect`` as its users meet it."""

from __future__ import annotations

import json
import re
from unicodedata import combining

import numpy as np
import polars as pl
import pytest
from PIL import Image

from graduel.cli.app import main
from graduel.cli.views.image_blocks import draw_blocks
from graduel.glassbox import draw_digit, draw_strokes
from graduel.models.model_file import load_model


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a network for digits, and a duel on a table with the models of its cells."""
    folder = tmp_path_factory.mktemp("models")
    net = "layers=24,16 epochs=10 batch_size=32 lr=0.01"
    small = ["--rows", "1000", "--threads", "1"]
    assert main(["train", *small, "--net", net, "--out", str(folder / "digits.safetensors")]) == 0
    rng = np.random.default_rng(0)
    n = 300
    y = rng.integers(0, 2, n)
    frame = pl.DataFrame(
        {
            "size": (rng.normal(size=n) + y).round(2),
            "town": rng.choice(["Ulm", "Kiel", "Köln"], n),
            "bought": np.array(["no", "yes"])[y],
        }
    )
    frame.write_csv(folder / "shop.csv")
    command = ["duel", str(folder / "shop.csv"), "--target", "bought", "--quick", "--threads", "1"]
    command += ["--contenders", "net,xgboost", "--split", "holdout", "--out", str(folder / "duel")]
    assert main(command) == 0
    return folder


def graduel(capsys, *args):
    """Run in this process; return the exit code and what was said."""
    code = main([str(arg) for arg in args])
    said = capsys.readouterr()
    return code, said.out, said.err


def cell(place, name):
    (found,) = (place / "duel").glob(f"cells/{name}*/model.safetensors")
    return found


def test_a_digit_forward_and_back(capsys, place, mnist):
    code, out, err = graduel(capsys, "inspect", place / "digits.safetensors", "--row", 7)
    assert (code, err) == (0, "")
    # x̂ is two characters of one column.
    assert max(len(line) - sum(map(bool, map(combining, line))) for line in out.splitlines()) <= 80
    assert "NumPy network: digits.safetensors, test row 7" in out
    model = load_model(place / "digits.safetensors")
    p = model.predict_proba(mnist.X[60_007:60_008])[0]
    assert f"Prediction: {p.argmax()}, with {100 * p.max():.2f} %" in out
    assert f"true class {mnist.y[60_007]}" in out or "(correct)" in out
    for text in (
        "Z₁ = W₁ A₀ + b₁",
        "dZ₃ = A₃ − Y   (4) nn/textbook.py:",
        "dW₂ = 1/m dZ₂ A₁ᵀ",
        "let through",
        "One gradient step on this example, α = 0.1",
        "it decreased",
    ):
        assert text in out


def test_the_terms_in_the_terminal_add_up(capsys, place):
    _, out, _ = graduel(
        capsys, "inspect", place / "digits.safetensors", "--layer", 1, "--unit", 5, "--top", 4
    )
    part = out[out.index("Unit 5 of layer 1") :]
    numbers = {
        key: float(re.search(rf"{key} +(\S+)", part)[1].replace("−", "-"))
        for key in ("these 4 terms", "the other 780", "bias b", "z, the sum")
    }
    total = numbers["these 4 terms"] + numbers["the other 780"] + numbers["bias b"]
    assert total == pytest.approx(numbers["z, the sum"], abs=2e-4)
    assert "Unit 5 of layer 2" not in out


def test_a_table_row_through_both_models_of_a_duel(capsys, place):
    table = place / "shop.csv"
    for name, texts in (
        ("net", ("town = ", "Z₁ = s ⊙ W₁")),
        ("xgboost", ("SHAP: the contribution of each input", "one tree per round")),
    ):
        args = ("inspect", cell(place, name), "--data", table, "--row", 11)
        code, out, err = graduel(capsys, *args)
        assert (code, err) == (0, "")
        row = pl.read_csv(table)[11:12]
        p = load_model(cell(place, name)).predict_proba(row.drop("bought"))[0]
        assert f"with {100 * p.max():.2f} %" in out
        right = ["no", "yes"][p.argmax()] == row["bought"][0]
        assert ("(correct)" in out) == right
        assert str(row["size"][0]) in out
        for text in texts:
            assert text in out


def test_label_sets_the_class_of_the_backward_pass(capsys, place):
    _, out, _ = graduel(capsys, "inspect", place / "digits.safetensors", "--label", "3")
    assert "true class 3" in out
    assert "probability of 3:" in out


def test_an_image_file_is_prepared_and_read(capsys, place, tmp_path):
    points, pen = draw_digit(0, np.random.default_rng(1), thickness=(20, 20), height=(150, 150))
    ink = draw_strokes(points, pen)
    page = Image.fromarray(np.rint(235 - 200 * ink).astype(np.uint8))  # dark on light paper
    page.save(tmp_path / "zero.png")
    code, out, _ = graduel(
        capsys, "inspect", place / "digits.safetensors", "--data", tmp_path / "zero.png"
    )
    assert code == 0
    assert "Prediction: 0" in out
    assert "The label is unknown" in out
    exif = Image.Exif()
    exif[274] = 6  # a photo of a camera that was turned
    page.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    _, turned, _ = graduel(
        capsys, "inspect", place / "digits.safetensors", "--data", tmp_path / "turned.png"
    )
    # Long paths are folded, at places that depend on the name.
    assert "".join(turned.split()) == "".join(out.split()).replace("zero.png", "turned.png")


def test_json_holds_what_the_terminal_shows(capsys, place):
    code, out, err = graduel(capsys, "inspect", place / "digits.safetensors", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert len(found["probabilities"]) == 10
    net = found["net"]
    dz = np.array(net["backward"]["dz"])
    target = np.array(net["backward"]["target"])
    np.testing.assert_allclose(dz, np.array(net["forward"]["predictions"]) - target, atol=1e-6)


def test_a_page_is_written_and_never_overwritten(capsys, place, tmp_path):
    page = tmp_path / "one.html"
    args = ("inspect", place / "digits.safetensors", "--html", page)
    code, out, _ = graduel(capsys, *args)
    assert code == 0
    assert f"Page: {page}" in out
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    code, _, err = graduel(capsys, *args)
    assert code == 2
    assert "expected a new file" in err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--row", "10000"], "--row: expected 0 to 9,999; got 10000"),
        (["--row", "-1"], "--row: expected 0 to 9,999; got -1"),
        (["--label", "x"], "label must be one of '0', '1'"),
        (["--layer", "4"], "layer must be from 1 to 3"),
        (["--layer", "1", "--unit", "24"], "unit must be from 0 to 23"),
        (["--unit", "2"], "expected layer and unit together"),
        (["--lr", "0"], "--lr: expected"),
        (["--lr", "nan"], "--lr: expected"),
        (["--top", "0"], "--top: expected"),
        (["--data", "none.csv"], "there is no such path"),
        (["--data", "none.png"], "cannot be read"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_two(capsys, place, args, message):
    code, out, err = graduel(capsys, "inspect", place / "digits.safetensors", *args)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert out == ""


def test_models_and_data_that_do_not_fit(capsys, place, tmp_path):
    code, _, err = graduel(capsys, "inspect", cell(place, "net"))
    assert (code, err.count("\n")) == (2, 1)
    assert "as --data" in err
    code, _, err = graduel(capsys, "inspect", tmp_path / "none.safetensors")
    assert (code, err.count("\n")) == (2, 1)
    code, _, err = graduel(capsys, "inspect", place / "duel")
    assert (code, err.count("\n")) == (2, 1)
    assert f"its models: {cell(place, 'net')}, {cell(place, 'xgboost')}" in err
    code, _, err = graduel(capsys, "inspect", tmp_path)
    assert "folder without models" in err
    (tmp_path / "text.png").write_text("no image")
    for model, data, message in (
        (place / "digits.safetensors", tmp_path / "text.png", "expected an image"),
        (cell(place, "net"), tmp_path / "text.png", "got an image"),
        (cell(place, "xgboost"), place / "digits.safetensors", ""),
    ):
        code, _, err = graduel(capsys, "inspect", model, "--data", data)
        assert (code, err.count("\n")) == (2, 1)
        assert message in err
    code, _, err = graduel(
        capsys, "inspect", cell(place, "xgboost"), "--data", place / "shop.csv", "--layer", "1"
    )
    assert code == 2
    assert "layer and unit apply to networks" in err


def test_images_are_blocks_in_any_terminal():
    from rich.console import Console

    image = np.random.default_rng(0).integers(0, 256, (28, 28, 1), dtype=np.uint8)
    colors = Console(force_terminal=True, color_system="truecolor", width=80)
    found = draw_blocks(image, colors)
    assert found.plain == "\n".join(["▀" * 28] * 14)
    first = f"rgb({image[0, 0, 0]},{image[0, 0, 0]},{image[0, 0, 0]})"
    assert str(found.spans[0].style).startswith(first)
    wide = np.zeros((10, 300, 3), np.uint8)
    assert max(map(len, draw_blocks(wide, Console(width=80)).plain.splitlines())) <= 80
