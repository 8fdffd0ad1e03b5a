"""The plan of a duel: contenders, splits and budget, fixed before any fit."""
