# One image, all four services: which of them a container runs is RTSM_SERVICES.
FROM python:3.11.14-slim-bookworm AS build

WORKDIR /build
COPY requirements/runtime.txt requirements/runtime.txt
RUN python -m venv /opt/rtsm \
    && /opt/rtsm/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md ./
COPY shared shared
COPY services services
COPY demo demo
COPY rtsm_client rtsm_client
RUN /opt/rtsm/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/rtsm/bin/python -m compileall -q /opt/rtsm/lib


FROM python:3.11.14-slim-bookworm

RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin rtsm \
    && install --directory --owner rtsm --group rtsm --mode 0700 /data
COPY --from=build /opt/rtsm /opt/rtsm
ENV PATH=/opt/rtsm/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RTSM_DATA_DIR=/data \
    RTSM_HOST=0.0.0.0
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Live, not ready: a missing mail server must not make Docker restart intake.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
ENTRYPOINT ["rtsm"]
CMD ["serve"]
