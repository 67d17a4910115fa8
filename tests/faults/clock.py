"""The database's clock, set by hand: tests of several days take seconds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Engine, event, text


class Clock:
    """Stands still until it is moved. All connections that the engine opens from now on use it.

    Arguments:
        engine: of a database whose tables are there.
        moment: the time that it shows, UTC.
    """

    def __init__(self, engine: Engine, moment: datetime) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self.moment = moment
        if not self._is_sqlite:
            self._put_up()
        event.listen(engine, "connect", self._go_by_it)
        engine.dispose()

    def put_away(self) -> None:
        """Let the database use its own clock again."""
        event.remove(self._engine, "connect", self._go_by_it)
        self._engine.dispose()
        if not self._is_sqlite:
            with self._engine.begin() as connection:
                connection.execute(text("DROP SCHEMA by_hand CASCADE"))

    def move_to(self, moment: datetime) -> None:
        """Set another time."""
        self.moment = moment
        if not self._is_sqlite:
            with self._engine.begin() as connection:
                connection.execute(text("UPDATE by_hand.clock SET moment = :moment"), {"moment": moment})

    def move(self, by: timedelta) -> None:
        """Move the time forward."""
        self.move_to(self.moment + by)

    def _put_up(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(text("CREATE SCHEMA by_hand"))
            connection.execute(text("CREATE TABLE by_hand.clock (moment timestamptz NOT NULL)"))
            connection.execute(text("INSERT INTO by_hand.clock VALUES (:moment)"), {"moment": self.moment})
            connection.execute(
                text(
                    "CREATE FUNCTION by_hand.clock_timestamp() RETURNS timestamptz LANGUAGE sql "
                    "AS 'SELECT moment FROM by_hand.clock'"
                )
            )

    def _go_by_it(self, driver: Any, record: object) -> None:
        if self._is_sqlite:
            driver.create_function("strftime", 2, self._strftime)
            return
        # The function that comes first in the path is the one that is called by its bare name.
        driver.execute(
            "SELECT set_config('search_path', current_setting('search_path') || ', by_hand, pg_catalog', false)"
        )
        driver.commit()

    def _strftime(self, form: str, when: str) -> str:
        if (form, when) != ("%Y-%m-%d %H:%M:%f", "now"):
            raise ValueError(f"strftime({form!r}, {when!r}) is not what this clock stands in for")
        return self.moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
