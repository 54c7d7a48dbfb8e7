"""`python -m pushforward`."""

import sys

from pushforward.cli import main

sys.exit(main())
