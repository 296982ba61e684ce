"""``python -m api.cli`` is ``rom``."""

from api.cli import main

main()
