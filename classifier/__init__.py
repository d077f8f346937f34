"""What a model file is: checking it, loading it, running it, and naming its answers."""

import os

# TensorFlow's C++ side reads this once, when it is first imported, which no module of ours does
# before this package. Errors stay visible; a person who wants more sets it to 0.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
