"""The Python package as its users get it: built, installed, and tried where no source is."""
