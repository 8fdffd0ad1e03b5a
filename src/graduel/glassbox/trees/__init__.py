"""Explanations of XGBoost: leaf values, paths through the trees, SHAP values."""
