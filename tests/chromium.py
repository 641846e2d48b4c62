"""Makes sure that the browser tests have a Chromium: `python tests/chromium.py`, run by `make test`.

It is looked for in ANTIPHON_CHROMIUM and on PATH. If it is not there, root on Debian gets it from the
system's own packages; everyone else is told what to do.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PACKAGE = "chromium-headless-shell"
INSTALL_S = 300


def find_chromium() -> str | None:
    """The path of a Chromium on this machine."""
    if chosen := os.environ.get("ANTIPHON_CHROMIUM"):
        return shutil.which(chosen)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> str | None:
    """Install it quietly; what went wrong, if something did."""
    if os.environ.get("ANTIPHON_CHROMIUM"):
        return "ANTIPHON_CHROMIUM does not name a program"
    if shutil.which("apt-get") is None or not Path("/etc/debian_version").exists():
        return "this is not Debian"
    if os.geteuid() != 0:
        return "only root may install packages"
    _say(f"Installing {PACKAGE} for the browser tests (once)...")
    update = ["apt-get", "-qq", "update"]
    get = ["apt-get", "-qq", "-y", "install", "--no-install-recommends", PACKAGE]
    try:
        for command in (update, get):
            _run(command)
    except subprocess.TimeoutExpired:
        return f"apt-get did not finish within {INSTALL_S} s"
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines() or [f"status {error.returncode}"]
        return f"apt-get failed: {said[-1]}"
    return None


def _run(command: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(
        command,
        env=environment,
        check=True,
        timeout=INSTALL_S,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def main() -> int:
    if find_chromium():
        return 0
    problem = install()
    if problem is None and find_chromium():
        return 0
    _say(
        f"The browser tests need a Chromium ({problem or 'it was installed but is not on PATH'}): "
        f"install {PACKAGE} or chromium, or set ANTIPHON_CHROMIUM to one."
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
