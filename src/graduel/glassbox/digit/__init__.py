"""Drawings, photos and synthetic strokes of digits, converted to 28 × 28 pixels."""
