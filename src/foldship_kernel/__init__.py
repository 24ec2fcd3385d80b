"""The code that travels: everything that runs inside the offline kernel.

Imports numpy, pandas, scipy, tokenizers and onnxruntime only, so that it works on a bare competition
image. Training imports it too: rows become tensors, and scores become columns, in one place.
"""

__version__ = "0.1.0"
