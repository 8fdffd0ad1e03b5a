"""Perturbations of images and tables, for robustness: noise, rotation, missing values and others.

Inputs are not modified; the same generator in the same state gives the same bits.
"""

from graduel.data.perturb.image_perturbations import noise, occlude, rotate, shift
from graduel.data.perturb.table_perturbations import missing, permute, scramble

__all__ = ["missing", "noise", "occlude", "permute", "rotate", "scramble", "shift"]
