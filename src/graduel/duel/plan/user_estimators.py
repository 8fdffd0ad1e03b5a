"""Contenders of the user's own: found, described, and packed for the process that fits them."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graduel.contenders.recipes import CONTENDERS, UserEstimatorRecipe
from graduel.contenders.search.space import to_plain, validate_space
from graduel.errors import UserError

TAKES = ("matrix", "frame")
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True, eq=False)
class UserContender:
    """A classifier of the user's own, under the name that it has in a duel.

    Attributes
    ----------
    name : its name, also of its folders
    title : its name in words
    estimator : the object, not fitted
    recipe : what tells it from others: class, parameters, what it takes, its search space
    """

    name: str
    title: str
    estimator: Any
    recipe: UserEstimatorRecipe

    def pickled(self) -> bytes:
        """Return it for another process of ours: classes of a script are packed with it.

        Raises
        ------
        UserError
            If it cannot be pickled.
        """
        import cloudpickle

        try:
            return bytes(cloudpickle.dumps(self.estimator))
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise UserError(
                f"contender {self.title!r} cannot be handed to the process that fits it: {said}"
            ) from None

    @property
    def lacks_probabilities(self) -> bool:
        """Whether it only names classes."""
        return not hasattr(self.estimator, "predict_proba")


def describe_estimator(title: str, estimator: Any, space: Any = None) -> UserContender:
    """Describe an estimator, or what makes one when it is called.

    A table comes to it as the float32 matrix that networks take; where it holds a
    ``ColumnTransformer``, or its attribute ``takes`` is ``"frame"``, as a pandas DataFrame.

    Parameters
    ----------
    title : what it is called
    estimator : an object with ``fit`` and ``predict``, or a class or function that returns one
    space : what a tuning may change; else the attribute ``space``, where there is one

    Raises
    ------
    UserError
        If it is no classifier of scikit-learn's kind, or its name is taken.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> mine = describe_estimator("my machine", SVC(C=2.0))
    >>> mine.name, mine.recipe.kind, dict(mine.recipe.parameters)["C"], mine.recipe.takes
    ('my-machine', 'sklearn.svm._classes.SVC', '2.0', 'matrix')
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", str(title)).strip("-.")[:60]
    if not name:
        raise UserError(f"a contender's name must have letters or digits; got {title!r}")
    if name in CONTENDERS:
        raise UserError(f"{name!r} is a contender of graduel's own; give yours another name")
    maker = estimator
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        estimator = _made(title, estimator)
    for method in ("fit", "predict"):
        if not callable(getattr(estimator, method, None)):
            raise UserError(
                f"contender {title!r} must be a classifier with fit and predict, or a function "
                f"that returns one; got {type(estimator).__name__}"
            )
    kinds = (getattr(one, "_estimator_type", None) for one in (estimator, type(estimator)))
    if "regressor" in kinds or _is_regressor(estimator):
        raise UserError(f"contender {title!r} must be a classifier; got a regressor")
    space = next((s for s in (space, _said(maker, estimator, "space")) if s is not None), {})
    takes = _said(maker, estimator, "takes")
    if takes is None:
        takes = "frame" if _names_columns(estimator) else "matrix"
    if takes not in TAKES:
        raise UserError(f"takes of contender {title!r} must be 'matrix' or 'frame'; got {takes!r}")
    checked = validate_space(space)
    parameters = _parameters(estimator)
    for key in checked:
        if key not in parameters:
            raise UserError(f"the space of contender {title!r} names {key!r}, no parameter of it")
    recipe = UserEstimatorRecipe(
        f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        tuple((k, ADDRESS.sub("", repr(v))) for k, v in sorted(parameters.items())),
        takes,
        to_plain(checked),
    )
    return UserContender(name, str(title), estimator, recipe)


def load_contender(text: str) -> UserContender:
    """Read ``module:attribute`` or ``name=module:attribute``; the current folder is looked at too.

    Raises
    ------
    UserError
        If there is no such thing, or making it fails.
    """
    title, _, where = text.rpartition("=")
    module_name, colon, attribute = where.strip().partition(":")
    if not colon or not attribute or not re.fullmatch(r"[\w.]+", module_name):
        raise UserError(
            f"--contender must be module:function, such as mymodule:make_model; got '{text}'"
        )
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name.partition(".")[0]:
            raise UserError(f"--contender {text}: {module_name} needs {error.name}") from None
        raise UserError(
            f"--contender {text}: there is no module {module_name} in the current folder, nor "
            "installed"
        ) from None
    except Exception as error:
        raise UserError(f"--contender {text}: importing it raised {_in_words(error)}") from None
    finally:
        sys.path.remove(here)
        sys.path.append(here)
    found = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise UserError(f"--contender {text}: {module_name} has no {attribute}")
        found = getattr(found, part)
    if _is_in(module, here):  # what is beside the user's data need not be importable elsewhere
        import cloudpickle

        cloudpickle.register_pickle_by_value(module)
    return describe_estimator(title.strip() or attribute, found)


def parse_contenders(asked: Any) -> tuple[Sequence[str] | None, list[UserContender]]:
    """Tell names of known contenders from contenders of the user's own.

    A mapping holds the user's, by name: an estimator, or ``(estimator, space)``. They stand beside
    those of graduel's own that it names with None, or beside the default ones.

    >>> parse_contenders(["net"]), parse_contenders({"net": None})
    ((['net'], []), (['net'], []))
    """
    if not isinstance(asked, Mapping):
        return ([asked] if isinstance(asked, str) else asked), []
    names = [str(name) for name, one in asked.items() if one is None]
    own = [
        describe_estimator(name, *(one if isinstance(one, tuple) else (one,)))
        for name, one in asked.items()
        if one is not None
    ]
    return names or None, own


def _made(title: str, maker: Any) -> Any:
    if not callable(maker):
        raise UserError(
            f"contender {title!r} must be a classifier with fit and predict, or a function that "
            f"returns one; got {type(maker).__name__}"
        )
    try:
        return maker()
    except Exception as error:
        raise UserError(f"contender {title!r}: making it raised {_in_words(error)}") from None


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _said(maker: Any, estimator: Any, name: str) -> Any:
    """Return what the user wrote on the estimator, or on what makes it."""
    return next(
        (v for one in (maker, estimator) if (v := getattr(one, name, None)) is not None), None
    )


def _parameters(estimator: Any) -> dict[str, Any]:
    if hasattr(estimator, "get_params"):
        return dict(estimator.get_params(deep=True))
    return dict(vars(estimator)) if hasattr(estimator, "__dict__") else {}


def _names_columns(estimator: Any) -> bool:
    from sklearn.compose import ColumnTransformer

    parts = [estimator, *_parameters(estimator).values()]
    return any(isinstance(part, ColumnTransformer) for part in parts)


def _is_regressor(estimator: Any) -> bool:
    from sklearn.base import is_regressor

    try:
        return bool(is_regressor(estimator))
    except Exception:  # it is not of scikit-learn's making
        return False


def _is_in(module: Any, folder: str) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve().is_relative_to(Path(folder).resolve())
