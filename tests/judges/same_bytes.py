#!/usr/bin/env python3
"""Are files the same to the last byte?

    same_bytes.py FILE FILE...
"""

import sys

from golden import Verdict, need


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    first, *others = (need(path) for path in sys.argv[1:])
    verdict, expected = Verdict(), first.read_bytes()
    for path in others:
        verdict.check(f"{path} is {first}", len(expected) > 0 and path.read_bytes() == expected, f"{len(expected)} bytes")
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
