# Anamnesis as one image: the locked dependencies, the product, an unprivileged user, nothing else.
# State lies in the volume /var/lib/anamnesis; the rest of the file system may be read-only.
FROM python:3.11.13-slim-bookworm AS build
RUN python -m venv /opt/anamnesis && /opt/anamnesis/bin/pip install --no-cache-dir uv==0.13.9
WORKDIR /src
# The default and the clients of every engine that docker-compose.yml knows.
COPY requirements-engines.lock ./
RUN /opt/anamnesis/bin/uv pip install --no-cache --python /opt/anamnesis/bin/python \
    --require-hashes -r requirements-engines.lock
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY eval eval
COPY indexing indexing
COPY rankers rankers
COPY static static
COPY templates templates
RUN /opt/anamnesis/bin/uv pip install --no-cache --python /opt/anamnesis/bin/python --no-deps . \
    && /opt/anamnesis/bin/pip uninstall --yes uv pip

FROM python:3.11.13-slim-bookworm
RUN groupadd --gid 10001 anamnesis \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin anamnesis \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/anamnesis
COPY --from=build /opt/anamnesis /opt/anamnesis
ENV PATH=/opt/anamnesis/bin:$PATH \
    ANAMNESIS_HOME=/var/lib/anamnesis \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME /var/lib/anamnesis
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 CMD ["python", "-c", \
    "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health/ready', timeout=4)"]
ENTRYPOINT ["anamnesis"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
