"""Makes the distributed deployment's passwords: `make secrets`.

Writes random passwords, and the addresses that hold them, into `deploy/secrets/` for
docker-compose.yml. Never replaces one that is there: the servers were set up with it.
"""

import secrets
import sys
from pathlib import Path

FOLDER = Path(__file__).with_name("secrets")


def make(folder: Path) -> list[str]:
    """Make what is missing in the folder; the names of the files made."""
    folder.mkdir(mode=0o700, exist_ok=True)
    made: list[str] = []
    for server, url in (
        ("postgres", "postgresql://rtsm:{}@postgres:5432/rtsm"),
        ("redis", "redis://:{}@redis:6379/0"),
    ):
        password = folder / f"{server}_password"
        if not password.exists():
            # Readable by the containers' own users; the folder keeps others on the host out.
            password.write_text(secrets.token_urlsafe(32), encoding="utf-8")
            made.append(password.name)
        address = folder / ("database_url" if server == "postgres" else "redis_url")
        address.write_text(url.format(password.read_text(encoding="utf-8")), encoding="utf-8")
    return made


def main() -> int:
    """Make them, and say what was made."""
    made = make(FOLDER)
    sys.stdout.write(f"made {', '.join(made)}\n" if made else "all there already\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
