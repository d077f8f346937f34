"""``python -m api`` where ``FILES`` says how many files may be open: at first, and at most."""

import os
import resource
import runpy

if __name__ == "__main__":
    soft, hard = map(int, os.environ["FILES"].split())
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    runpy.run_module("api", run_name="__main__", alter_sys=True)
