"""Verdicts: decision rules, statistical evidence for each design, and sentences."""
