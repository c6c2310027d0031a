"""The translator tools answer every line, whatever it holds."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cgt.app import app
from cgt.tools import answers

Line = dict[str, Any]


def _echo(line: Line) -> Line:
    return {"facts": [line]}


def test_each_line_gets_one_line_and_a_bad_one_does_not_stop_the_rest() -> None:
    answered = list(answers([b'{"kind": "a"}\n', b"not json\n", b'{"kind": "b"}\n'], _echo, {"facts": []}))
    first, second, third = (json.loads(each) for each in answered)
    assert first == {"facts": [{"kind": "a"}]}
    assert second["facts"] == []
    assert "must be one JSON object" in second["error"]
    assert third == {"facts": [{"kind": "b"}]}


@pytest.mark.parametrize("line", [b"\n", b"[]", b"7", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a": 1', b"9" * 5000])
def test_what_is_no_json_object_is_an_error_line(line: bytes) -> None:
    (answer,) = answers([line], _echo, {"facts": []})
    assert json.loads(answer).keys() == {"facts", "error"}


@given(st.lists(st.binary(max_size=200)))
@example([b'{"a": NaN}', b'{"a": "\\ud800"}', b'{"a": 1e999}'])
def test_any_bytes_are_answered_line_by_line(lines: list[bytes]) -> None:
    answered = list(answers(lines, _echo, {"facts": []}))
    assert len(answered) == len(lines)
    assert all("facts" in json.loads(each) and "\n" not in each for each in answered)


@given(st.one_of(st.builds(set), st.builds(object), st.just({"a": float("nan")}), st.builds(lambda: {1: {b"x": 2}})))
def test_a_tool_whose_answer_is_no_json_is_an_error_line(odd: Any) -> None:
    (answer,) = answers([b"{}"], lambda _line: odd, {})
    assert "error" in json.loads(answer)


def test_a_tool_that_fails_is_an_error_line_with_the_kind_of_failure() -> None:
    def failing(line: Line) -> Line:
        raise KeyError(line["kind"])

    (answer,) = answers([b'{"kind": "x"}'], failing, {})
    assert json.loads(answer) == {"error": "KeyError: 'x'"}


@pytest.mark.parametrize("command", ["translate", "preview"])
def test_an_unknown_exchange_is_refused_with_the_known_ones(command: str) -> None:
    result = CliRunner().invoke(app, [command, "nosuch"])
    assert result.exit_code == 2
    assert "'nosuch' is no exchange known here" in " ".join(result.output.replace("│", " ").split())
