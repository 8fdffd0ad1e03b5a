"""``python -m graduel``: the command line."""

import sys

from graduel.cli import main

sys.exit(main())
