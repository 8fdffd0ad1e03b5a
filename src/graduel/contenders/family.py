"""A contender family as one record: recipes, search space, requirements, fit and saved model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graduel.contenders.contender import Budget, Fitting, LabelledRows, Notify
from graduel.contenders.fit_job import JOBS, FitJob
from graduel.contenders.log_target import LogFit, LogFitJob, fit_logarithms, take_logarithm
from graduel.contenders.search.space import Dimension, RecipeSpace
from graduel.data.task import TaskKind
from graduel.metrics.metric import get_metric

if TYPE_CHECKING:
    from graduel.data.schema import Schema
    from graduel.models.model import Model


@dataclass(frozen=True, slots=True)
class TableTraits:
    """The properties of a table that recipes depend on.

    Attributes
    ----------
    n_rows : number of training rows
    n_classes : number of classes of the target
    vector_leaves : whether one tree per round can predict all classes: there are more than two
        classes and no categorical column
    """

    n_rows: int
    n_classes: int = 2
    vector_leaves: bool = False

    @property
    def quick_rounds(self) -> int:
        """The boosting rounds with ``--quick``; fewer if there are many classes, a tree each.

        >>> [TableTraits(1000, n_classes).quick_rounds for n_classes in (2, 40, 1000)]
        [150, 100, 20]
        """
        return min(150, max(20, 4000 // self.n_classes))


class Recipes(NamedTuple):
    """The full recipe of a contender, and its recipe with ``--quick`` (10,000 rows)."""

    full: Any
    quick: Any


@dataclass(frozen=True, slots=True)
class NamedContender:
    """A contender that can be chosen by name.

    Attributes
    ----------
    name : the name for ``--contenders``: the family's name, alone or followed by a hyphen and more
    title : the name in reports
    images : recipes for images; None if the contender is for tables only
    tables : recipes for tables, or a function that returns them for the traits of a table; None if
        the contender is for images only
    default : whether a duel without ``--contenders`` includes it; ignored in installed packages
    """

    name: str
    title: str
    images: Recipes | None
    tables: Recipes | Callable[[TableTraits], Recipes] | None
    default: bool = False

    def recipes(self, table: TableTraits | None) -> Recipes | None:
        """Return the recipes for a table, or for images without one; None if there are none."""
        if table is None:
            return self.images
        return self.tables(table) if callable(self.tables) else self.tables


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that a family needs.

    Attributes
    ----------
    package : the name to import
    title : the name in the error message
    install : the requirement for ``pip install``
    """

    package: str
    title: str
    install: str


def has_no_saved_form(fitted: Any, schema: Schema, title: str) -> Model | None:
    """Return None: models of this family are not saved, because graduel never pickles to a file."""
    return None


@dataclass(frozen=True, slots=True)
class Regressor:
    """What a family does otherwise where the target is a number.

    Attributes
    ----------
    fit : as :attr:`Family.fit`; the job's targets are numbers, and so are the predictions
    tables : by contender name, recipes or the function that returns them; contenders that are not
        listed are for classification only
    space : the search space; None for the family's
    """

    fit: Callable[[Any, FitJob], Fitting]
    tables: Mapping[str, Recipes | Callable[[TableTraits], Recipes]]
    space: Callable[..., Mapping[str, Dimension]] | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A contender family.

    Attributes
    ----------
    name : the name in plans, and of the first contender: letters, digits, ``.``, ``_`` and ``-``
    title : the name in reports
    recipe : frozen dataclass of hyperparameters: numbers, text, booleans and tuples of these
    fit : ``fit(recipe, job)``, a generator that yields checkpoints and returns the fitted contender
    space : the search space around a recipe; see
        :class:`~graduel.contenders.search.space.RecipeSpace`
    images, tables : recipes of the contender with the family's name, see :class:`NamedContender`;
        by default the recipe's default values, for both
    default : whether a duel without ``--contenders`` includes that contender
    contenders : all named contenders, if there are several
    requires : packages that must be installed
    to_model : ``to_model(fitted, schema, title)`` returns the model to save, serve and explain, or
        None if it cannot be saved
    is_stochastic : whether the seed changes the model; if False, every fit gets the same random
        numbers
    deciding_packages : distributions whose versions influence the results
    regressor : what differs where the target is a number; None if it is for classification only
    classifies : whether it is for classification

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
    regressor: Regressor | None = None
    classifies: bool = True

    def __post_init__(self) -> None:
        """Add a contender with the family's name if `contenders` is empty."""
        if not self.contenders:
            images, tables = self.images, self.tables
            if images is None and tables is None:
                images = tables = Recipes(self.recipe(), self.recipe())
            only = NamedContender(self.name, self.title, images, tables, self.default)
            object.__setattr__(self, "contenders", (only,))

    def fit_of(self, task: TaskKind) -> Callable[[Any, FitJob], Fitting]:
        """Return the function that fits a recipe to this kind of target."""
        return self.regressor.fit if task == "regression" and self.regressor else self.fit

    def space_of(self, task: TaskKind) -> Callable[..., Mapping[str, Dimension]]:
        """Return the search space for this kind of target."""
        own = self.regressor.space if task == "regression" and self.regressor else None
        return own or self.space

    def recipes_of(
        self, contender: NamedContender, task: TaskKind, table: TableTraits | None
    ) -> Recipes | None:
        """Return the recipes of a contender for these data; None if it is not for them."""
        if task == "classification":
            return contender.recipes(table) if self.classifies else None
        recipes = self.regressor.tables.get(contender.name) if self.regressor else None
        if recipes is None or table is None:
            return None
        return recipes(table) if callable(recipes) else recipes

    def build_model(self, fitted: Any, schema: Schema, title: str) -> Model | None:
        """Return the model of a fit by :attr:`to_model`; None if it cannot be saved."""
        if isinstance(fitted, LogFit):
            model = self.to_model(fitted.inner, schema, title)
            return None if model is None else fitted.rescale(model)
        return self.to_model(fitted, schema, title)

    def parse_recipe(self, data: Mapping[str, Any]) -> Any:
        """Build a recipe from plain data, as stored in a plan."""
        return self.recipe(**{k: tuple(v) if isinstance(v, list) else v for k, v in data.items()})


@dataclass(frozen=True, slots=True)
class FamilyContender:
    """A contender: a family with one of its recipes."""

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
        """Fit by the family's ``fit``."""
        if not self.family.is_stochastic:
            rng = np.random.default_rng(0)
        make = JOBS[train.task]
        if train.log_target:
            train, valid, make = take_logarithm(train), take_logarithm(valid), LogFitJob
        job = make(train, valid, rng, budget, notify, get_metric(self.metric))
        fitting = self.family.fit_of(train.task)(self.recipe, job)
        return (yield from (fit_logarithms(fitting, train) if train.log_target else fitting))

    def get_parameter(self, name: str) -> Any:
        """Return the value of a hyperparameter."""
        return getattr(self.recipe, name)

    def with_parameters(self, params: Mapping[str, Any]) -> FamilyContender:
        """Return a copy of the contender with some hyperparameters replaced."""
        return replace(self, recipe=replace(self.recipe, **params))
