"""Digits on their way to 28 × 28 pixels: drawings, photos, synthetic strokes."""
