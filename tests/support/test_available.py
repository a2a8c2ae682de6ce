"""A missing service is never passed over in silence."""

from collections.abc import Callable

import pytest

from tests.support import available, install


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(available.REQUIRED, raising=False)


@pytest.mark.usefixtures("nothing_installed")
def test_a_missing_service_skips_the_test_by_name() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"Kafka is not installed \(java, Apache Kafka"):
        available.need("Kafka")


@pytest.mark.usefixtures("nothing_installed")
def test_a_missing_service_fails_the_test_when_services_are_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(available.REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="Redis is not installed"):
        available.need("Redis")


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(("required", "code"), [("", 0), ("1", 1)])
def test_the_installer_says_what_it_could_not_install(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    required: str,
    code: int,
) -> None:
    refusal: Callable[..., str] = lambda *_: "no apt-get that this user may run"  # noqa: E731
    monkeypatch.setattr(install.Apt, "install", refusal)
    monkeypatch.setenv(available.REQUIRED, required)

    assert install.main() == code

    lines = capsys.readouterr().out.splitlines()
    assert "  Redis       Redis is not installed (redis-server): no apt-get that" in lines[1]
