"""A headless loyalty engine: it keeps points with the care of a bank and decides what every purchase earns."""

__version__ = "0.1.0"
