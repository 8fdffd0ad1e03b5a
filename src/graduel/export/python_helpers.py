"""Helper functions of generated Python files, included if they are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Helper(NamedTuple):
    """The source of a function, its imports, and the helpers that it calls."""

    source: str
    imports: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()


HELPERS = {
    "sigmoid": Helper(
        '''
def sigmoid(Z):
    """Return 1 / (1 + exp(-Z)). Below -80, exp would overflow and the result is nearly 0."""
    return 1 / (1 + np.exp(-np.maximum(Z, -80)))
'''
    ),
    "softplus": Helper(
        '''
def softplus(Z):
    """Return log(1 + exp(Z)) without overflow."""
    return np.maximum(0, Z) + np.log1p(np.exp(-np.abs(Z)))
'''
    ),
    "erf": Helper(
        '''
def erf(Z):
    """Return the error function of each number, from the standard library."""
    return np.vectorize(math.erf, otypes=[Z.dtype])(Z)
''',
        imports=("math",),
    ),
    "embed": Helper(
        '''
def embed(E, codes):
    """Return the row of E for each code. Codes are rounded and clipped; a missing code is 0."""
    codes = np.clip(np.rint(np.nan_to_num(codes)), 0, len(E) - 1)
    return E[codes.astype(int)]
'''
    ),
    "periodic": Helper(
        '''
def periodic(X, w, b, A, c):
    """Return each column x of X, followed by its embedding cos(2 pi w x + b) A + c."""
    H = np.cos(X[:, :, None] * (2 * np.pi * w) + b)
    E = np.einsum("npf,pfe->npe", H, A) + c
    both = np.concatenate([X[:, :, None], E], axis=2)
    return both.reshape(len(X), both.shape[1] * both.shape[2])
'''
    ),
    "window_slices": Helper(
        '''
def window_slices(X, size, stride):
    """For each position (i, j) in a window, yield the pixels there in all windows.

    X holds images, (n, height, width, channels). Positions are (0, 0), (0, 1), ...
    """
    height, width = X.shape[1] - size[0] + 1, X.shape[2] - size[1] + 1
    for i in range(size[0]):
        for j in range(size[1]):
            yield X[:, i : i + height : stride[0], j : j + width : stride[1]]
'''
    ),
    "convolve": Helper(
        '''
def convolve(X, W, stride):
    """Return the convolution: over all positions (i, j), the sum of X there times W[i, j]."""
    size, channels = W.shape[:2], W.shape[2:]
    return sum(x @ w for x, w in zip(window_slices(X, size, stride), W.reshape(-1, *channels)))
''',
        helpers=("window_slices",),
    ),
    "max_pool": Helper(
        '''
def max_pool(X, size, stride):
    """Return the maximum of each window."""
    return functools.reduce(np.maximum, window_slices(X, size, stride))
''',
        imports=("functools",),
        helpers=("window_slices",),
    ),
    "average_pool": Helper(
        '''
def average_pool(X, size, stride):
    """Return the mean of each window."""
    return sum(window_slices(X, size, stride)) / (size[0] * size[1])
''',
        helpers=("window_slices",),
    ),
    "decode": Helper(
        '''
def decode(shape, text):
    """Decode an array from base64: {dtype}, little-endian, row by row."""
    return np.frombuffer(base64.b64decode(text), dtype="{code}").reshape(shape)
''',
        imports=("base64",),
    ),
}


def select_helpers(names: Iterable[str], helpers: Mapping[str, Helper] = HELPERS) -> list[Helper]:
    """Return the helpers of these names and those that they call, in the order of `helpers`."""
    required = set(names)
    for name in tuple(required):
        required.update(helpers[name].helpers)
    return [helper for name, helper in helpers.items() if name in required]
