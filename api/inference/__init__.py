"""The Open Inference Protocol (V2) over REST, with its binary tensors and classifications.

https://github.com/kserve/open-inference-protocol is the protocol; the extensions are Triton's
(``binary_tensor_data`` and ``classification``), as KServe and tritonclient have them too.
"""
