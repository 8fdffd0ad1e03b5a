"""Network files: safetensors with a JSON description."""
