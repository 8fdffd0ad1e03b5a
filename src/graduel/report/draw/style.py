"""Style of figures and pages: colors for light and dark mode, markers, axes, legends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Color:
    """One color in light and dark mode.

    A figure is drawn in `light`. The page replaces that color by the CSS variable, which is `dark`
    in dark mode.
    """

    variable: str
    light: str
    dark: str


INK = Color("ink", "#1d2025", "#e9ebee")
MUTED = Color("muted", "#5c636d", "#a3abb6")
GRID = Color("grid", "#dfe2e6", "#33383f")
PAPER = Color("paper", "#fdfdfc", "#14161a")

# The hues follow Okabe and Ito (2008), darkened on light paper and lightened on dark until text
# in them has a contrast of 4.5. The first three differ for every kind of color vision; markers and
# line styles distinguish the others as well.
HUES = (
    Color("hue-0", "#0068a8", "#56b4e9"),
    Color("hue-1", "#bd4a00", "#ff8f52"),
    Color("hue-2", "#007a5a", "#35c79b"),
    Color("hue-3", "#a03c7c", "#e79ac8"),
    Color("hue-4", "#856000", "#f0c24a"),
    Color("hue-5", "#4c46a8", "#aaa4f5"),
    Color("hue-6", "#5f6670", "#b4bac3"),
    Color("hue-7", "#9c1f2e", "#ff8a8f"),
)
COLORS = (INK, MUTED, GRID, PAPER, *HUES)

# A marker of matplotlib, and the same one as a character for the page.
MARKS = (
    ("o", "●"),
    ("s", "■"),
    ("^", "▲"),
    ("D", "◆"),
    ("v", "▼"),
    ("P", "✚"),
    ("X", "✖"),
    ("*", "★"),
)
LINES: tuple[str | tuple[int, tuple[float, ...]], ...] = (
    "solid",
    (0, (6, 1.4)),
    (0, (1.6, 1.1)),
    (0, (7, 1.4, 1.4, 1.4)),
    (0, (3, 1.2)),
    (0, (7, 1.4, 1.4, 1.4, 1.4, 1.4)),
    (0, (10, 1.6)),
    (0, (1, 2)),
)

USUAL = {"net": 0, "xgboost": 1, "textbook": 2}
"""Fixed looks of the usual contenders, so that a color means the same in every report."""

WIDTH = 4.2
"""Inches. On a phone a figure is scaled to about nine tenths."""
NARROW = 3.6
"""Inches, for figures in rows of three."""
SMALL, TEXT, LARGE = 8.5, 9.5, 10.5


@dataclass(frozen=True, slots=True)
class Look:
    """Color, marker and line style of a contender in every figure."""

    color: Color
    mark: str
    sign: str
    line: str | tuple[int, tuple[float, ...]]


def assign_looks(names: Iterable[str]) -> dict[str, Look]:
    """Return a look for each contender: fixed for the usual ones, the next free one for others.

    >>> {name: look.mark for name, look in assign_looks(["xgboost", "mine"]).items()}
    {'xgboost': 's', 'mine': 'o'}
    """
    names = list(names)
    taken = {USUAL[name] for name in names if name in USUAL}
    free = iter([slot for slot in range(len(HUES)) if slot not in taken])
    looks: dict[str, Look] = {}
    for number, name in enumerate(names):
        slot = USUAL[name] if name in USUAL else next(free, number % len(HUES))
        looks[name] = Look(HUES[slot], *MARKS[slot], LINES[slot])
    return looks


def escape_text(text: str, width: int = 200) -> str:
    r"""Escape `text` for matplotlib and cut it to `width` letters.

    >>> escape_text("$a$"), escape_text("a very long name", 8)
    ('\\$a\\$', 'a very …')
    """
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    text = text if len(text) <= width else text[: width - 1] + "…"
    return text.replace("$", r"\$")


def style_axes(ax: Axes, *, grid: str | None = None) -> None:
    """Remove spines and ticks; draw thin grid lines along `grid` ("x", "y" or "both")."""
    ax.spines[:].set_visible(False)
    ax.set_facecolor("none")
    ax.tick_params(
        which="both", length=0, labelsize=SMALL, labelcolor=MUTED.light, color=MUTED.light, pad=4
    )
    ax.tick_params(which="minor", labelbottom=False, labelleft=False)
    ax.set_axisbelow(True)
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        axis.label.set(color=MUTED.light, fontsize=SMALL)
        if grid in (name, "both"):
            axis.grid(True, color=GRID.light, linewidth=0.7, linestyle="solid", alpha=1)


def draw_marks(
    ax: Axes, x: ArrayLike, y: ArrayLike, look: Look, size: float, edge: float = 1, **options: Any
) -> None:
    """Draw markers of a contender, with an edge in the background color."""
    style: dict[str, Any] = {"color": look.color.light, "ms": size, "mec": PAPER.light}
    ax.plot(x, y, look.mark, mew=edge, **style, **options)


def title_axes(
    ax: Axes, text: str, color: str = MUTED.light, size: float = SMALL, pad: float | None = 7
) -> None:
    """Write a title at the left: muted for the name of the vertical axis, otherwise bold."""
    weight = "normal" if color == MUTED.light else "bold"
    ax.set_title(text, loc="left", color=color, fontsize=size, fontweight=weight, pad=pad)


def set_ticks(axis: Axis, ticks: Sequence[float], write: Callable[[float], str]) -> None:
    """Set the ticks of an axis, labeled by `write`, without minor ticks."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))


def draw_legend(fig: Figure, ax: Axes, labels: Mapping[str, str], look: Mapping[str, Look]) -> None:
    """Draw a legend above a figure, a line for each contender; `ax` is any of its axes."""
    fig.set_layout_engine("constrained", h_pad=0.09)  # space between titles and legend
    for name, label in labels.items():
        style = look[name]
        ax.plot(
            [],
            [],
            color=style.color.light,
            linestyle=style.line,
            marker=style.mark,
            ms=6,
            label=escape_text(label, 52),
        )
    legend = fig.legend(
        loc="outside upper left",
        frameon=False,
        fontsize=TEXT,
        handlelength=2.4,
        borderpad=0,
        labelspacing=0.35,
    )
    for text, name in zip(legend.get_texts(), labels, strict=True):
        text.set_color(look[name].color.light)


def zero_error(n_test: int) -> float:
    """Return the value at which a log scale shows a test error of zero: half of one row.

    >>> zero_error(500)
    0.001
    """
    return 0.5 / max(n_test, 1)


def spread_labels(positions: list[float], gap: float, low: float, high: float) -> list[float]:
    """Move label positions as little as possible to be `gap` apart, between `low` and `high`.

    Their order is kept. If there is no room for all, they overlap evenly.

    >>> spread_labels([0.5, 0.5], 0.2, 0.0, 1.0)
    [0.4, 0.6]
    """
    if not positions:
        return []
    order = sorted(range(len(positions)), key=positions.__getitem__)
    gap = min(gap, (high - low) / max(len(positions) - 1, 1))
    # Blocks of touching labels, each at the mean of the positions that its labels should have.
    blocks: list[list[float]] = []  # sum of positions for the first label; number of labels
    for number in order:
        blocks.append([positions[number], 1])
        while True:
            total, size = blocks[-1]
            start = min(max(total / size, low), high - gap * (size - 1))
            if len(blocks) == 1:
                break
            before_total, before_size = blocks[-2]
            before = min(max(before_total / before_size, low), high - gap * (before_size - 1))
            if before + gap * before_size <= start + 1e-12:
                break
            blocks[-2:] = [[before_total + total - gap * before_size * size, before_size + size]]
    moved = [0.0] * len(positions)
    at = iter(order)
    for total, size in blocks:
        start = min(max(total / size, low), high - gap * (size - 1))
        for member in range(int(size)):
            moved[next(at)] = round(start + gap * member, 9)
    return moved
