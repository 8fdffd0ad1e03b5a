"""One example in XGBoost: trees, votes, paths, SHAP values."""
