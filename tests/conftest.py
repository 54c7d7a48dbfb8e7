"""How the examples of property tests are chosen.

`make test` tries the same examples every time, so that a change is judged by what it changed; `make test-all`
looks for new ones (`--hypothesis-profile=search`). Deadlines are left to pytest-timeout: machines are shared.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("same")
