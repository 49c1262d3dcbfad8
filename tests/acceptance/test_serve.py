"""``loyalty serve --example`` as a newcomer meets it: it starts, survives what kills its parts, and comes back."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loyalty_engine.persistence.embedded.lock import is_alive
from tests.harness.service import Service, environment, open_service, run, wait_until


@pytest.fixture(scope="module")
def kept() -> Iterator[Service]:
    """One service for all tests of this file, on one state directory."""
    with open_service() as service:
        yield service


@pytest.fixture
def service(kept: Service) -> Service:
    """The service, running, whatever the test before did to it."""
    kept.start()
    return kept


def paste(command: str) -> dict[str, object]:
    answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    found: dict[str, object] = json.loads(answer)
    return found


def test_first_screen_offers_an_earn_and_a_redeem_that_work_when_pasted(service: Service) -> None:
    earn, redeem = service.commands
    earned = paste(earn)
    redeemed = paste(redeem)
    assert earned["status"] == "credited"
    assert redeemed["points"] == 100
    assert paste(earn) == earned


def test_health_readiness_and_metrics_need_no_key(service: Service) -> None:
    assert service.get("/healthz").json() == {"status": "ok"}
    assert service.get("/readyz").json() == {"status": "ok"}
    assert service.get("/docs").status_code == 200
    metrics = service.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "# TYPE loyalty_decisions_total counter" in metrics.text


def test_metrics_are_the_sum_over_all_processes(service: Service) -> None:
    # Nobody else deletes our health: what others asked for may still be on its way from process to process.
    def refused() -> float:
        name = 'loyalty_request_seconds_count{method="DELETE",route="/healthz",status="405"} '
        lines = service.get("/metrics").text.splitlines()
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    assert refused() == 0
    for _ in range(20):
        assert service.delete("/healthz").status_code == 405
    wait_until(lambda: refused() == 20)


def test_secrets_are_kept_for_their_owner_only(service: Service) -> None:
    file = service.state / "example_keys"
    assert file.read_text(encoding="utf-8") == "ADMIN_KEY={}\nTILL_KEY={}\n".format(*service.keys)
    assert file.stat().st_mode & 0o777 == 0o600


def test_killed_api_process_is_replaced_and_nobody_is_refused(service: Service) -> None:
    before = service.api_pids
    os.kill(before[0], signal.SIGKILL)
    for _ in range(10):
        assert service.get("/healthz").status_code == 200
    wait_until(lambda: len(service.api_pids) == 2 and before[0] not in service.api_pids)
    assert service.api_pids != before


def test_killed_worker_is_replaced_and_its_work_is_done(service: Service) -> None:
    paste(service.commands[0])
    [before] = service.worker_pids
    os.kill(before, signal.SIGKILL)

    moved = service.call("POST", "/program/clock", {"forward": {"years": 3}})

    def job() -> dict[str, object]:
        return service.call("GET", f"/jobs/{moved['job_id']}")

    wait_until(lambda: job()["status"] == "done")
    assert (job()["attempts"], job()["error"]) == (1, None)
    assert service.worker_pids != [before]


def test_port_in_use_is_told_in_one_line(service: Service) -> None:
    second = run("serve", PORT=str(service.port), LOYALTY_STATE_DIR=str(service.state))
    assert second.stderr == (
        f"loyalty: port {service.port} on 127.0.0.1 is taken; choose another one: PORT={service.port + 1}\n"
    )
    assert second.returncode == 2
    assert service.get("/readyz").status_code == 200


def test_state_directory_in_use_is_told_in_one_line(service: Service) -> None:
    second = run("serve", "--port", "0", LOYALTY_STATE_DIR=str(service.state))
    assert second.stderr == f"loyalty: another process is using {service.state} (pid {service.pid})\n"
    assert second.returncode == 2


def test_commands_share_the_database_of_the_running_service(service: Service) -> None:
    checked = run("check", LOYALTY_STATE_DIR=str(service.state))
    assert checked.stdout.endswith("The ledger is sound.\n")
    assert checked.returncode == 0


def test_walkthrough_of_the_examples_gets_the_answers_it_expects(service: Service) -> None:
    settings = environment(LOYALTY_STATE_DIR=str(service.state), PORT=str(service.port))
    walk = subprocess.run(["sh", "examples/walkthrough.sh"], env=settings, capture_output=True, text=True, check=False)
    assert walk.stderr == ""
    assert walk.stdout.endswith(
        "Done: earned once, spent once, taken back once, held, returned, reserved, confirmed, explained, in a tier and a club,\n"
        "and rewarded for a friend.\n"
    )


def test_logs_name_no_key_and_no_customer(service: Service) -> None:
    assert '"event": "serving"' in service.log
    assert "lk_test_" not in service.log
    assert "2000012345" not in service.log


def test_stopped_service_ends_with_code_0_and_comes_back_with_keys_and_data(service: Service) -> None:
    paste(service.commands[0])
    keys, commands = service.keys, service.commands
    everybody = service.everybody()
    assert service.end(signal.SIGTERM) == 0
    wait_until(lambda: not any(is_alive(pid) for pid in everybody))
    service.start()
    assert service.keys == keys
    assert paste(commands[0])["status"] == "credited"
    assert "schema_migrated" not in service.log.rpartition('"stopping"')[2]


def test_killed_service_leaves_nothing_running(service: Service) -> None:
    everybody = service.everybody()
    assert len(everybody) > 4
    meters = Path(Path(f"/proc/{service.api_pids[0]}/cmdline").read_text(encoding="utf-8").split("\0")[-2])
    assert sorted(file.name for file in meters.glob("*.json")) == ["1.json", "2.json", "3.json"]
    service.end(signal.SIGKILL)
    wait_until(lambda: not any(is_alive(pid) for pid in everybody))
    assert not meters.exists()
