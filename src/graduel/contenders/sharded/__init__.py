"""Fits of contenders on tables larger than memory."""
