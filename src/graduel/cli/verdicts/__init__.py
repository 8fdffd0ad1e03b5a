"""Inputs and outputs of ``graduel verdict`` beyond files of predictions."""
