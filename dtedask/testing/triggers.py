"""What every kind of trigger must do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from pydantic import TypeAdapter, ValidationError

from dtedask.notify.event import Event
from dtedask.notify.notification import Notification

if TYPE_CHECKING:
    from dtedask.notify.triggers import BaseTrigger

_TIME = datetime(2024, 6, 3, tzinfo=UTC)


class TriggerSuite:
    """Tests of a kind of trigger: derive a class whose name begins with ``Test``, and give a document of the kind.

    Examples
    --------
    >>> class TestMyTrigger(TriggerSuite):
    ...     def document(self, folder):
    ...         return {"type": "mine", "place": str(folder)}
    """

    takes_all: ClassVar[bool] = True
    """Whether it takes notifications of anything; else only of commits."""

    def document(self, folder: Path) -> dict[str, Any]:
        """What stands in a document of listeners; `folder` is the test's own. It must succeed."""
        raise NotImplementedError

    def event(self, folder: Path) -> Event:
        """An event of a commit; make one of a real root where the data are read."""
        request = (("class", "od"), ("step", "6"), ("param", "130"))
        return Event("od/oper/0001", 3, 0, "fc/pl/O96", "t", request, 2, "S3", str(folder), _TIME)

    @pytest.fixture
    def trigger(self, tmp_path: Path) -> Any:
        """The trigger of the document."""
        return _read(self.document(tmp_path))

    def test_it_is_found_by_its_type(self, trigger: BaseTrigger, tmp_path: Path) -> None:  # noqa: D102
        from dtedask.notify.triggers import trigger_class

        assert type(trigger) is trigger_class(self.document(tmp_path)["type"])
        assert trigger.name == trigger.type

    def test_it_does_the_same_again(self, trigger: BaseTrigger, tmp_path: Path) -> None:
        """A process that is killed between the work and its note does it once more."""
        event = self.event(tmp_path)
        for _ in range(2):
            trigger.run(event)
        trigger.close()

    def test_it_takes_what_a_server_tells_of_a_commit(self, trigger: BaseTrigger, tmp_path: Path) -> None:  # noqa: D102
        event = self.event(tmp_path)
        payload = {key: value for key, value in event.as_dict().items() if key != "request"}
        trigger.run(Notification("data", 7, event.keys, payload, event.time))
        trigger.close()

    def test_it_takes_what_was_sent_or_says_why_not(self, trigger: BaseTrigger) -> None:  # noqa: D102
        from dtedask.core.errors import TriggerError

        sent = Notification("flight", 3, {"country": 'italy\'s "best" $(x)', "number": "3"}, {"a": [1, None]}, _TIME)
        if self.takes_all:
            trigger.run(sent)
        else:
            with pytest.raises(TriggerError, match=r"flight@3.*") as caught:
                trigger.run(sent)
            assert caught.value.is_lasting
        trigger.close()

    def test_unknown_keys_are_refused_and_all_others_described(self, trigger: BaseTrigger, tmp_path: Path) -> None:  # noqa: D102
        with pytest.raises(ValidationError, match="no_such_key"):
            _read({**self.document(tmp_path), "no_such_key": 1})
        properties = type(trigger).model_json_schema()["properties"]
        assert [name for name, one in properties.items() if not one.get("description") and name != "type"] == []

    def test_what_all_have_is_taken(self, tmp_path: Path) -> None:  # noqa: D102
        more = {"retries": 2, "retry_delay": "1m30s", "required": False, "fail_fast": False, "label": "mine"}
        found = _read({**self.document(tmp_path), **more})
        assert (found.retries, found.retry_delay, found.required, found.fail_fast) == (2, 90.0, False, False)
        assert found.name == "mine"
        if found.time_limit_s is not None:
            assert _read({**self.document(tmp_path), "timeout": "2m"}).limit_s == 120.0


def _read(document: dict[str, Any]) -> BaseTrigger:
    from dtedask.notify.triggers import Trigger

    found: BaseTrigger = TypeAdapter(Trigger).validate_python(document)
    return found
