"""Numbered SQL per dialect, forward only."""
