"""A contender family as one record: recipes, search space, requirements, fit and saved form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graduel.contenders.contender import Budget, Fitting, LabelledRows, Notify
from graduel.contenders.fit_job import FitJob
from graduel.contenders.search.space import Dimension, RecipeSpace
from graduel.metrics.metric import get_metric

if TYPE_CHECKING:
    from graduel.data.schema import Schema
    from graduel.models.model import Model


@dataclass(frozen=True, slots=True)
class TableTraits:
    """What the recipes for a table depend on.

    Attributes
    ----------
    n_rows : training rows
    n_classes : classes of the target
    vector_leaves : whether one tree a round can serve all classes: there are more than two, and no
        column is categorical
    """

    n_rows: int
    n_classes: int = 2
    vector_leaves: bool = False

    @property
    def quick_rounds(self) -> int:
        """Rounds of boosting with ``--quick``: each costs in proportion to the number of classes.

        >>> [TableTraits(1000, n_classes).quick_rounds for n_classes in (2, 40, 1000)]
        [150, 100, 20]
        """
        return min(150, max(20, 4000 // self.n_classes))


class Recipes(NamedTuple):
    """The recipe of a contender, and that of ``--quick``: a first look at 10,000 rows."""

    full: Any
    quick: Any


@dataclass(frozen=True, slots=True)
class NamedContender:
    """A contender that a duel knows by name.

    Attributes
    ----------
    name : as ``--contenders`` takes it: the family's name, or one that begins with it and a hyphen
    title : name in reports
    images : recipes for images; None for a contender that is for tables only
    tables : recipes for any table, or a function from its traits to them; None for a contender that
        is for images only
    default : whether it duels when nobody chooses; counts in graduel's own families only
    """

    name: str
    title: str
    images: Recipes | None
    tables: Recipes | Callable[[TableTraits], Recipes] | None
    default: bool = False

    def recipes(self, table: TableTraits | None) -> Recipes | None:
        """Return the recipes for a table, or for images without one; None if it has none."""
        if table is None:
            return self.images
        return self.tables(table) if callable(self.tables) else self.tables


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that a family needs.

    Attributes
    ----------
    package : name that is imported
    title : name in the error
    install : what pip installs
    """

    package: str
    title: str
    install: str


def has_no_saved_form(fitted: Any, schema: Schema, title: str) -> Model | None:
    """Return None: models of this family are not saved, since graduel never pickles to a file."""
    return None


@dataclass(frozen=True, slots=True)
class Family:
    """A contender family.

    Attributes
    ----------
    name : in plans and as the name of its first contender: letters, digits, ``.``, ``_`` and ``-``
    title : name in reports
    recipe : frozen dataclass of hyperparameters: numbers, text, booleans and tuples of these
    fit : the fit: a generator of checkpoints that returns the fitted contender
    space : the search space around a recipe; see
        :class:`~graduel.contenders.search.space.RecipeSpace`
    images, tables : recipes of its contender of the family's name, see :class:`NamedContender`;
        by default the default recipe, for both
    default : whether that one duels when nobody chooses
    contenders : all named contenders, where there is more than that one
    requires : packages that must be installed
    to_model : from a fitted contender, the schema of its data and its title to the model that is
        saved, served and explained; None if it has no saved form
    is_stochastic : whether a fit with another seed gives another model; where not, every fit gets
        the same random numbers
    deciding_packages : distributions whose versions decide its numbers

    Examples
    --------
    >>> from graduel.contenders.registry import get_family
    >>> logistic = get_family("logistic")
    >>> logistic.title, logistic.is_stochastic, logistic.recipe()
    ('logistic regression', False, LogisticRecipe(C=1.0, max_iter=1000))
    """

    name: str
    title: str
    recipe: type
    fit: Callable[[Any, FitJob], Fitting]
    space: Callable[..., Mapping[str, Dimension]] = RecipeSpace()
    images: Recipes | None = None
    tables: Recipes | Callable[[TableTraits], Recipes] | None = None
    default: bool = False
    contenders: tuple[NamedContender, ...] = ()
    requires: tuple[Requirement, ...] = ()
    to_model: Callable[[Any, Schema, str], Model | None] = has_no_saved_form
    is_stochastic: bool = True
    deciding_packages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Name one contender after the family, where it names none."""
        if not self.contenders:
            images, tables = self.images, self.tables
            if images is None and tables is None:
                images = tables = Recipes(self.recipe(), self.recipe())
            only = NamedContender(self.name, self.title, images, tables, self.default)
            object.__setattr__(self, "contenders", (only,))

    def parse_recipe(self, data: Mapping[str, Any]) -> Any:
        """Return the recipe of plain data, as a plan holds them."""
        return self.recipe(**{k: tuple(v) if isinstance(v, list) else v for k, v in data.items()})


@dataclass(frozen=True, slots=True)
class FamilyContender:
    """A family with a recipe: a contender."""

    family: Family
    recipe: Any
    name: str
    metric: str = "error"
    """The leading metric."""

    def fit(
        self,
        train: LabelledRows,
        valid: LabelledRows,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Notify,
    ) -> Fitting:
        """Fit with the family's ``fit``."""
        if not self.family.is_stochastic:
            rng = np.random.default_rng(0)
        job = FitJob(train, valid, rng, budget, notify, get_metric(self.metric))
        return (yield from self.family.fit(self.recipe, job))

    def get_parameter(self, name: str) -> Any:
        """Return the value of a hyperparameter."""
        return getattr(self.recipe, name)

    def with_parameters(self, params: Mapping[str, Any]) -> FamilyContender:
        """Return the contender with other values of some hyperparameters."""
        return replace(self, recipe=replace(self.recipe, **params))
