"""Write the golden logs that are not there yet, and the state of those that are.

    python -m tests.golden.make

An event that was once written stays as it is: logs of that form exist. Look at each
changed state in the diff.
"""

import sys

from antiphon.domain.fold import fold
from antiphon.stores.frames import Frame, decode_all
from tests.golden.answers import ANSWERS
from tests.golden.endings import ENDINGS
from tests.golden.form import FOLDER, GoldenLog, json_of, load, plain, state_json, text_of
from tests.golden.sentences import Log
from tests.golden.trees import TREES


def frames_of(log: Log) -> list[Frame]:
    frames = []
    for seq, event in enumerate(log, 1):
        kind, data = event if isinstance(event, tuple) else (event.type, json_of(event))
        frames.append(Frame(seq, kind, plain(data).encode()))
    return frames


def folded(log: GoldenLog) -> GoldenLog:
    return GoldenLog(log.name, log.about, log.frames, state_json(fold(decode_all(log.frames))))


def main() -> None:
    for case in (*ANSWERS, *ENDINGS, *TREES):
        path = FOLDER / f"{case.__name__}.json"
        log = (
            load(path)
            if path.exists()
            else GoldenLog(case.__name__, case.__doc__ or "", frames_of(case()), {})
        )
        made = text_of(folded(log))
        if not path.exists() or path.read_text() != made:
            path.write_text(made)
            sys.stdout.write(f"{path.name} written: look at it before you commit it.\n")


if __name__ == "__main__":
    main()
