# streamseg without a window, around the clock: files, URLs and pipes, and devices where the host's
# sound is handed in (--device /dev/snd, or PULSE_SERVER and its cookie).
#
#   docker build -t streamseg .
#   docker run -d --name air -v air:/data -p 127.0.0.1:9464:9464 streamseg \
#       https://example.org/live.mp3 --metrics 0.0.0.0:9464
#
# Inside a container loopback is the container's own: an endpoint that is to be published listens
# on 0.0.0.0 inside and is bound to the host's loopback by -p.

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN pip install --no-cache-dir uv==0.13.8
# Dependencies first: they change less often than the program.
COPY pyproject.toml uv.lock README.md LICENSE ./
ENV UV_PROJECT_ENVIRONMENT=/opt/streamseg UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
RUN uv sync --frozen --no-dev --no-install-project
COPY streamseg streamseg
COPY models models
COPY assets/demo.opus assets/demo.csv assets/
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends libportaudio2 libasound2-plugins \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --groups audio streamseg \
    && install -d -o streamseg -g streamseg /data
COPY --from=build /opt/streamseg /opt/streamseg
ENV PATH=/opt/streamseg/bin:$PATH OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1
USER streamseg
WORKDIR /data
VOLUME /data
# SIGTERM closes what is open and completes the log.
STOPSIGNAL SIGTERM
ENTRYPOINT ["streamseg", "log", "--quiet", "--output", "/data/air.jsonl"]
