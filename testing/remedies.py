"""What helps against a weakness that a check names. Pure."""

CALIBRATE = (
    "give training more images, of which a part is for calibration, or end it after fewer epochs"
)
ADD_DAMAGED = "add such images to those that training learns from"
AUGMENTATION = {
    "brightness": "raise TRAIN_BRIGHTNESS, or add lighter and darker images",
    "contrast": "raise TRAIN_BRIGHTNESS, or add images of less contrast",
    "rotation": "raise TRAIN_ROTATION",
    "shift": "raise TRAIN_SHIFT",
}


def corruption(name: str) -> str:
    """What makes a model stand a corruption better."""
    return AUGMENTATION.get(name, ADD_DAMAGED)
