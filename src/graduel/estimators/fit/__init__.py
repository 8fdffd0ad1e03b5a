"""Fitting of MLPClassifier and MLPRegressor: network, loop, validation rows, stopping."""
