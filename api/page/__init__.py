"""The page for people, on which they try the model that serves.

What a browser loads lies in ``assets/`` as it is served: nothing is built, and nothing fetched from
elsewhere.
"""
