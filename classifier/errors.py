"""What can be wrong with a model file.

ClassifierError
├── UnreadableModel   not a whole Keras HDF5 file, or one that safe mode refuses
│   └── HostileModel  holds what no plain model holds, found before it is loaded
├── WrongShape        not one uint8 image in and one row of probabilities out
├── WrongInput        the images handed to a classifier are of another shape or dtype
└── GoldenMismatch    the model does not repeat the answer that training recorded
"""

from process.errors import Failure


class ClassifierError(Failure):
    """The base of every error of this package."""


class UnreadableModel(ClassifierError):
    """The file is missing, damaged, no Keras model, or holds what may not be loaded."""


class HostileModel(UnreadableModel):
    """The file's container, layers or weights are not of the kinds that may be loaded."""


class WrongShape(ClassifierError):
    """The model's inputs or outputs are not those of an image classifier of ours."""


class WrongInput(ClassifierError):
    """An array of another shape or dtype than the images that a classifier takes."""


class GoldenMismatch(ClassifierError):
    """The golden image's answer differs from the recorded one by more than devices differ."""
