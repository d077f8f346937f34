import numpy as np

from benchmarks.questions import clearest


def test_the_clearest_answers_of_each_class_come_in_turn() -> None:
    probabilities = np.array(
        [[0.6, 0.4], [0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.05, 0.95]], np.float32
    )
    assert clearest(probabilities, 2) == [1, 4, 0, 2]


def test_a_class_without_answers_is_passed_over() -> None:
    probabilities = np.array([[0.9, 0.1, 0.0], [0.3, 0.0, 0.7]], np.float32)
    assert clearest(probabilities, 3) == [0, 1]
