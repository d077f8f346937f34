"""What a model file is: checking it, loading it, running it, and naming its answers."""

import os

# TensorFlow's C++ side reads this once, when it is first imported, which no module of ours does
# before this package. Errors stay visible; a person who wants more sets it to 0.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# ONNX Runtime reads this when it is imported. It would tell Microsoft of each model that is loaded,
# by a number that it keeps for this machine in the home folder (Privacy.md in its package).
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
