"""How MLPClassifier and MLPRegressor fit: network, loop, validation rows, stopping."""
