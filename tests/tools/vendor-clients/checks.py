"""How the Python checks say what passed, in the words that suite.sh counts."""

import sys
import traceback


class Checks:
    """Runs checks of one client; the first that fails ends the program."""

    def __init__(self, client):
        self.client = client

    def __call__(self, name, run):
        try:
            result = run()
        except Exception:
            traceback.print_exc(file=sys.stdout)
            print(f"check failed: {self.client}, {name}")
            sys.exit(1)
        print(f"check passed: {self.client}, {name}")
        return result


def require(fine, what):
    if not fine:
        raise AssertionError(what)
