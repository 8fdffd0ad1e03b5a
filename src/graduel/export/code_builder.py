"""Builder of a Python file: lines with comments beside them, numbers, helpers."""

from __future__ import annotations

from graduel.export.export_graph import Array

WIDTH = 100
BESIDE = 48
"""Code longer than this is left out when the column of comments is set."""


class CodeBuilder:
    """The body of the function that computes, and what it needs.

    Attributes
    ----------
    variable : the name of the variable that holds the output of the layers so far
    numbers : arrays by the names that the lines give them, such as W1
    helpers : names of functions that the lines call
    """

    def __init__(self) -> None:
        self.variable = "X"
        self.numbers: dict[str, Array] = {}
        self.helpers: set[str] = set()
        self._lines: list[tuple[str, str]] = []
        self._count: dict[str, int] = {}
        self._depth = 0

    def array(self, name: str, value: Array) -> str:
        """Add an array and return its name; the first W is W1, the second W2."""
        numbered = self._number_name(name)
        self.numbers[numbered] = value
        return numbered

    def _number_name(self, name: str) -> str:
        self._count[name] = self._count.get(name, 0) + 1
        return f"{name}{self._count[name]}"

    def line(self, code: str, comment: str = "") -> None:
        """Append a line as it is."""
        self._lines.append((code, comment))

    def save_variable(self) -> str:
        """Save the current variable under a name that nothing else changes, and return the name."""
        name = self._number_name("R")
        self.line(f"{name} = {self.variable}", "kept for a sum below")
        return name

    def weigh(self, code: str, comment: str) -> None:
        """Append a line that begins the next Z: a sum of what there is times weights."""
        self._depth += 1
        self.assign(f"Z{self._depth}", code, comment)

    def activate(self, code: str, comment: str) -> None:
        """Append a line that makes A of Z."""
        self.assign(f"A{self._depth}", code, comment)

    def change(self, code: str, comment: str) -> None:
        """Append a line that gives the variable of now another value."""
        self.assign(self.variable, code, comment)

    def assign(self, to: str, code: str, comment: str) -> None:
        """Append a line; {x} in both texts stands for the variable of now, {to} for the new one."""
        code, comment = (text.format(x=self.variable, to=to) for text in (code, comment))
        self.line(f"{to} = {code}", comment)
        self.variable = to

    def body(self) -> list[str]:
        """Return the lines, each with its comment beside it, or above it where it is long."""
        column = max((len(code) for code, _ in self._lines if len(code) <= BESIDE), default=0)
        lines = []
        for code, comment in self._lines:
            beside = f"    {code:<{column}}  # {comment}"
            if not comment or not code:
                lines.append(f"    {code}" if code else f"    # {comment}")
            elif len(beside) <= WIDTH:
                lines.append(beside)
            else:
                lines += [f"    # {comment}", f"    {code}"]
        return lines
