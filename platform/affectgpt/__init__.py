"""AffectGPT: datasets, training and serving for explainable multimodal emotion recognition, on Ray."""

__version__ = "0.1.0"
