# One image for web, capture and worker; docker-compose.yml says which is which.
# To pin it by content, append the digest that `docker buildx imagetools inspect` prints: @sha256:…
FROM python:3.12.12-slim-bookworm

RUN pip install --no-cache-dir uv==0.13.9 && useradd --create-home --uid 1000 app && install -d -o app /data /data/exports
WORKDIR /app
ENV UV_LINK_MODE=copy PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PORTKEY_LOGS_DATA_DIR=/data

# The packages first: they change less often than the code.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-cache
COPY . .

USER app
VOLUME /data
EXPOSE 8000 8788
CMD ["granian", "--interface", "asginl", "--http", "1", "--no-ws", "--host", "0.0.0.0", "--port", "8000", \
     "--backlog", "4096", "--backpressure", "4000", "--workers-kill-timeout", "5", \
     "--log-config", "portkey_logs/granian-log.json", "portkey_logs.asgi:application"]
