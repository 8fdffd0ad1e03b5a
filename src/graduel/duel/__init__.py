"""The duel: contenders under one protocol, and the verdict. It never draws.

Nothing is imported here, so that a cell's process loads no more than its contender needs.
"""
