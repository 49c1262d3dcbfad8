from loyalty_engine.persistence.embedded.errors import telling_line


def test_first_complaint_is_the_telling_one() -> None:
    output = """
2026-01-01 00:00:00.000 UTC [42] LOG:  starting PostgreSQL
2026-01-01 00:00:00.000 UTC [42] FATAL:  could not write file "x": No space left on device
child process exited with exit code 1
initdb: error: something later
"""
    assert telling_line(output) == 'could not write file "x": No space left on device'


def test_complaint_of_a_tool_is_recognised() -> None:
    assert telling_line('initdb: error: directory "x" exists but is not empty\n') == (
        'directory "x" exists but is not empty'
    )


def test_without_complaint_the_last_line_is_told() -> None:
    assert telling_line("one\ntwo\n\n") == "two"


def test_silence_stays_silence() -> None:
    assert telling_line("\n") == ""
