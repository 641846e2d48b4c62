"""Prints the server's OpenAPI document as JSON, without running a server: `python web/openapi.py`."""

import json
import sys

from antiphon.server import create_app
from antiphon.settings import Settings

json.dump(create_app(Settings(store="memory://")).openapi(), sys.stdout)
