"""Duels: contenders fitted and compared under one protocol. No plotting here.

This module imports nothing, so that a worker process loads only what its contender needs.
"""
