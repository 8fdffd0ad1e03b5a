"""The user's own estimators: import, validation, and pickling for the worker process."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from graduel.contenders.registry import contender_names
from graduel.contenders.search.space import to_plain, validate_space
from graduel.data.task import TaskKind
from graduel.errors import UserError, describe_error

if TYPE_CHECKING:
    from graduel.contenders.user_estimator import UserEstimatorRecipe

TAKES = ("matrix", "frame")
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True, eq=False)
class UserContender:
    """A user's classifier with its name in a duel.

    Attributes
    ----------
    name : the name in plans and of folders
    title : the name in reports
    estimator : the object, not fitted
    recipe : its identity in a plan: class, parameters, input, search space
    """

    name: str
    title: str
    estimator: Any
    recipe: UserEstimatorRecipe

    def pickled(self) -> bytes:
        """Pickle the estimator for the worker process, including classes defined in a script.

        Raises
        ------
        UserError
            If it cannot be pickled.
        """
        import cloudpickle

        try:
            return bytes(cloudpickle.dumps(self.estimator))
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"contender {self.title!r} cannot be pickled for the worker process: {reason}"
            ) from None

    @property
    def task(self) -> TaskKind | None:
        """What the estimator predicts; None if it does not state it."""
        kinds = [
            getattr(one, "_estimator_type", "") for one in (self.estimator, type(self.estimator))
        ]
        if "regressor" in kinds or _is_kind(self.estimator, "regressor"):
            return "regression"
        if "classifier" in kinds or _is_kind(self.estimator, "classifier"):
            return "classification"
        return None

    def check_task(self, task: TaskKind) -> None:
        """Raise `UserError` if the estimator is for another kind of target."""
        if self.task not in (None, task):
            kinds = ("classifier", "regressor")
            needed, got = kinds if task == "classification" else kinds[::-1]
            what = "has classes" if task == "classification" else "is a number"
            raise UserError(
                f"contender {self.title!r} must be a {needed}; got a {got}. The target {what}"
            )

    @property
    def lacks_probabilities(self) -> bool:
        """Whether the estimator has no ``predict_proba``."""
        return not hasattr(self.estimator, "predict_proba")


def describe_estimator(title: str, estimator: Any, space: Any = None) -> UserContender:
    """Describe an estimator, or a class or function that returns one, as a contender.

    The input of a table is the float32 matrix for networks; it is a pandas DataFrame if the
    estimator contains a ``ColumnTransformer`` or its attribute ``takes`` is ``"frame"``.

    Parameters
    ----------
    title : the name in reports
    estimator : an object with ``fit`` and ``predict``, or a class or function that returns one
    space : the search space; by default the attribute ``space``, if any

    Raises
    ------
    UserError
        If it is not a classifier with scikit-learn's methods, or the name is already used.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> mine = describe_estimator("my machine", SVC(C=2.0))
    >>> mine.name, mine.recipe.kind, dict(mine.recipe.parameters)["C"], mine.recipe.takes
    ('my-machine', 'sklearn.svm._classes.SVC', '2.0', 'matrix')
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", str(title)).strip("-.")[:60]
    if not name:
        raise UserError(f"a contender's name must contain letters or digits; got {title!r}")
    from graduel.contenders.user_estimator import UserEstimatorRecipe

    if name in contender_names():
        raise UserError(f"{name!r} is the name of a known contender; give yours another name")
    maker = estimator
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        estimator = _call_maker(title, estimator)
    for method in ("fit", "predict"):
        if not callable(getattr(estimator, method, None)):
            raise UserError(
                f"contender {title!r} must be a classifier with fit and predict, or a function "
                f"that returns one; got {type(estimator).__name__}"
            )
    if space is None:
        space = _get_attribute(maker, estimator, "space")
    takes = _get_attribute(maker, estimator, "takes")
    if takes is None:
        takes = "frame" if _selects_columns(estimator) else "matrix"
    if takes not in TAKES:
        raise UserError(f"takes of contender {title!r} must be 'matrix' or 'frame'; got {takes!r}")
    space = validate_space({} if space is None else space)
    parameters = _get_parameters(estimator)
    for key in space:
        if key not in parameters:
            raise UserError(
                f"the search space of contender {title!r} names {key!r}, which is not one of its "
                "parameters"
            )
    recipe = UserEstimatorRecipe(
        f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        tuple((k, ADDRESS.sub("", repr(v))) for k, v in sorted(parameters.items())),
        takes,
        to_plain(space),
    )
    return UserContender(name, str(title), estimator, recipe)


def load_contender(text: str) -> UserContender:
    """Import a contender from ``module:attribute`` or ``name=module:attribute``.

    The module may be in the current folder.

    Raises
    ------
    UserError
        If the module or its attribute does not exist, or calling it fails.
    """
    title, _, where = text.rpartition("=")
    module_name, colon, attribute = where.strip().partition(":")
    if not colon or not attribute or not re.fullmatch(r"[\w.]+", module_name):
        raise UserError(
            f"--contender must be module:function such as mymodule:make_model; got '{text}'"
        )
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name.partition(".")[0]:
            raise UserError(f"--contender {text}: {module_name} needs {error.name}") from None
        raise UserError(
            f"--contender {text}: there is no module {module_name}, neither in the current folder "
            "nor installed"
        ) from None
    except Exception as error:
        raise UserError(f"--contender {text}: the import raised {describe_error(error)}") from None
    finally:
        sys.path.remove(here)
        sys.path.append(here)
    estimator: Any = module
    for part in attribute.split("."):
        if not hasattr(estimator, part):
            raise UserError(f"--contender {text}: {module_name} has no {attribute}")
        estimator = getattr(estimator, part)
    if _is_in(module, here):  # a worker process cannot import it by name
        import cloudpickle

        cloudpickle.register_pickle_by_value(module)
    return describe_estimator(title.strip() or attribute, estimator)


def parse_contenders(contenders: Any) -> tuple[Sequence[str] | None, list[UserContender]]:
    """Separate contender names from the user's estimators.

    A list has names and estimators, which are named for their class. A mapping has the user's
    estimators by name, each an estimator or ``(estimator, space)``, and None for other contenders.
    Without any None, the default contenders take part.

    >>> parse_contenders(["net"]), parse_contenders({"net": None})
    ((['net'], []), (['net'], []))
    """
    if contenders is None:
        return None, []
    if isinstance(contenders, str):
        return [one.strip() for one in contenders.split(",")], []
    if not isinstance(contenders, Mapping):
        if not isinstance(contenders, Iterable) or hasattr(contenders, "fit"):
            raise UserError(
                "contenders must be a list of names and classifiers, or a dict of classifiers by "
                f"name; got {type(contenders).__name__}"
            )
        pairs = _name_contenders(list(contenders))
    else:
        pairs = [(str(name), one) for name, one in contenders.items()]
    names = [name for name, one in pairs if one is None]
    estimators = [
        describe_estimator(name, *(one if isinstance(one, tuple) else (one,)))
        for name, one in pairs
        if one is not None
    ]
    if isinstance(contenders, Mapping) and not names:
        return None, estimators
    return names, estimators


def _name_contenders(contenders: list[Any]) -> list[tuple[str, Any]]:
    """Return pairs of a name and an estimator, which is None for a contender's name."""
    pairs: list[tuple[str, Any]] = []
    for one in contenders:
        if isinstance(one, str):
            pairs.append((one, None))
            continue
        classifier = one[0] if isinstance(one, tuple) else one
        title = getattr(classifier, "__name__", type(classifier).__name__)
        count = sum(name.partition("-")[0] == title for name, _ in pairs)
        pairs.append((f"{title}-{count + 1}" if count else title, one))
    return pairs


def _call_maker(title: str, maker: Any) -> Any:
    if not callable(maker):
        raise UserError(
            f"contender {title!r} must be a classifier with fit and predict, or a function that "
            f"returns one; got {type(maker).__name__}"
        )
    try:
        return maker()
    except Exception as error:
        raise UserError(f"contender {title!r}: calling it raised {describe_error(error)}") from None


def _get_attribute(maker: Any, estimator: Any, name: str) -> Any:
    """Return an attribute of the class or function passed by the user, or of the estimator."""
    return next(
        (v for one in (maker, estimator) if (v := getattr(one, name, None)) is not None), None
    )


def _get_parameters(estimator: Any) -> dict[str, Any]:
    if hasattr(estimator, "get_params"):
        return dict(estimator.get_params(deep=True))
    return dict(vars(estimator)) if hasattr(estimator, "__dict__") else {}


def _selects_columns(estimator: Any) -> bool:
    from sklearn.compose import ColumnTransformer

    parts = [estimator, *_get_parameters(estimator).values()]
    return any(isinstance(part, ColumnTransformer) for part in parts)


def _is_kind(estimator: Any, kind: Literal["classifier", "regressor"]) -> bool:
    from sklearn.base import is_classifier, is_regressor

    try:
        return bool((is_classifier if kind == "classifier" else is_regressor)(estimator))
    except Exception:  # not a scikit-learn estimator
        return False


def _is_in(module: Any, folder: str) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve().is_relative_to(Path(folder).resolve())
