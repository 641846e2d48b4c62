"""A database as the first version of the tables left it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from antiphon.stores.sql import migrate

OLD = """
INSERT INTO conversations VALUES
 ('c', 'principal-1', 1, 1, 6, NULL, '', '', 'm', '{}', '[]', 0, 'c.2', 'o', 1, 2);
INSERT INTO turns VALUES ('c', 'c.1', 1, NULL, 'completed', NULL), ('c', 'c.2', 5, NULL, 'running', NULL);
INSERT INTO messages VALUES
 ('c', 'm1', NULL, 'user', 'c.1', NULL, 2, '[{"type":"text","text":"An early question"}]'),
 ('c', 'm2', 'm1', 'assistant', 'c.1', 'm', 4, '[{"type":"text","text":"An early answer"}]');
INSERT INTO attempts VALUES ('c', 'c.1', 0, 1, 1, 'm', 'end_turn', '{}', 0, 0, NULL);
INSERT INTO events VALUES
 ('c', 1, 'conversation_create', '{"at":1}'),
 ('c', 2, 'turn_start', '{"at":1,"turn_id":"c.1","message_id":null,"parent_id":null}'),
 ('c', 3, 'block_delta', '{"step":0,"index":0,"delta":{}}'),
 ('c', 4, 'turn_end', '{"at":5,"turn_id":"c.1","status":"completed","kept":{"steps":0},"head":null}'),
 ('c', 5, 'turn_start', '{"at":5,"turn_id":"c.2","message_id":null,"parent_id":null}'),
 ('c', 6, 'block_delta', '{"step":0,"index":0,"delta":{}}');
"""


def make_old(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with closing(sqlite3.connect(path)) as old:
        old.executescript(OLD)
