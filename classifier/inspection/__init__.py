"""What a model file may hold, judged without Keras; it runs in the process of ``inspect.py``.

    child      the process: its limits, and one verdict on standard output
    examine    the order of the checks, and whether weights and layers agree
    storage    the HDF5 container: its objects and links
    weights    the numbers in it
    attributes the texts and lists of names in it
    document   JSON, read strictly
    model      models: their layers, and the weights that these need
    graph      how the layers of a model are connected, and what that costs
    layers     the allow-list: each layer, what its configuration may hold, what it computes
    fields     what a value may be; the allow-lists of initialisers, activations and the like
    shapes     what a layer makes of its inputs: shape, weights and work

Nothing here imports Keras or TensorFlow, and what each module takes as given the one before it
has checked. All of them raise :class:`~classifier.inspection.finding.Finding`.
"""
