"""Builder of the generated Python code: lines with comments, arrays, helper functions."""

from __future__ import annotations

from graduel.export.export_graph import Array

WIDTH = 100
MAX_ALIGNED = 48
"""Longer lines of code do not count for the column of the comments."""


class CodeBuilder:
    """Builder of the body of the prediction function.

    Attributes
    ----------
    variable : name of the variable with the output of the layers so far
    arrays : arrays by their names in the code, such as W1
    helpers : names of the helper functions that the code calls
    """

    def __init__(self) -> None:
        self.variable = "X"
        self.arrays: dict[str, Array] = {}
        self.helpers: set[str] = set()
        self._lines: list[tuple[str, str]] = []
        self._count: dict[str, int] = {}
        self._depth = 0

    def array(self, name: str, value: Array) -> str:
        """Add an array and return its numbered name: the first W is W1, the second W2."""
        numbered = self._number_name(name)
        self.arrays[numbered] = value
        return numbered

    def _number_name(self, name: str) -> str:
        self._count[name] = self._count.get(name, 0) + 1
        return f"{name}{self._count[name]}"

    def line(self, code: str, comment: str = "") -> None:
        """Append a line of code with its comment."""
        self._lines.append((code, comment))

    def save_variable(self) -> str:
        """Copy the current variable to a new one that is not overwritten; return its name."""
        name = self._number_name("R")
        self.line(f"{name} = {self.variable}", "for the sum below")
        return name

    def weigh(self, code: str, comment: str) -> None:
        """Append a line that assigns the next Z, a weighted sum of the current variable."""
        self._depth += 1
        self.assign(f"Z{self._depth}", code, comment)

    def activate(self, code: str, comment: str) -> None:
        """Append a line that assigns the next A, an activation of Z."""
        self.assign(f"A{self._depth}", code, comment)

    def change(self, code: str, comment: str) -> None:
        """Append a line that reassigns the current variable."""
        self.assign(self.variable, code, comment)

    def assign(self, to: str, code: str, comment: str) -> None:
        """Append an assignment; {x} in both texts is the current variable, {to} the new one."""
        code, comment = (text.format(x=self.variable, to=to) for text in (code, comment))
        self.line(f"{to} = {code}", comment)
        self.variable = to

    def body(self) -> list[str]:
        """Return the lines with comments at their ends, or above lines that are too long."""
        column = max((len(code) for code, _ in self._lines if len(code) <= MAX_ALIGNED), default=0)
        lines = []
        for code, comment in self._lines:
            aligned = f"    {code:<{column}}  # {comment}"
            if not comment or not code:
                lines.append(f"    {code}" if code else f"    # {comment}")
            elif len(aligned) <= WIDTH:
                lines.append(aligned)
            else:
                lines += [f"    # {comment}", f"    {code}"]
        return lines
