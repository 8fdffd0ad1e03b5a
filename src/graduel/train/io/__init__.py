"""Networks in safetensors files."""
