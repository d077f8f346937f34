# The images of the three stages, and of the service without TensorFlow: `make image`, or
# `docker build --target api|api-slim|training|testing [--build-arg DEVICE=gpu] .`
#
# BASE is any Debian 12 with Python 3.11 and its venv module; `make base` makes one where no
# registry of images can be reached. Named by digest (name@sha256:...) it never changes.
ARG BASE=docker.io/library/python:3.11.14-slim-bookworm
# cpu or gpu: for which of them TensorFlow is built.
ARG DEVICE=cpu

# What is downloaded and compiled stays in here. The pip.conf and the certificate authorities of
# the machine that builds come as secrets, which no layer keeps.
FROM ${BASE} AS builder
RUN apt-get update && apt-get install --yes --no-install-recommends binutils
COPY requirements/install /usr/local/bin/install-requirements

FROM builder AS api-libraries
ARG DEVICE
COPY requirements/api-${DEVICE}.txt /opt/requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=authorities,target=/etc/ssl/certs/ca-certificates.crt \
    install-requirements /opt/requirements.txt /opt/venv

FROM builder AS api-slim-libraries
COPY requirements/api-slim.txt /opt/requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=authorities,target=/etc/ssl/certs/ca-certificates.crt \
    install-requirements /opt/requirements.txt /opt/venv

FROM builder AS training-libraries
ARG DEVICE
COPY requirements/training-${DEVICE}.txt /opt/requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=authorities,target=/etc/ssl/certs/ca-certificates.crt \
    install-requirements /opt/requirements.txt /opt/venv

FROM builder AS testing-libraries
ARG DEVICE
COPY requirements/testing-${DEVICE}.txt /opt/requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=authorities,target=/etc/ssl/certs/ca-certificates.crt \
    install-requirements /opt/requirements.txt /opt/venv

# What the stages share, and then each stage beside it.
FROM builder AS code
WORKDIR /app
COPY LICENSE .
COPY alerts alerts
COPY classifier classifier
COPY images images
COPY process process
COPY registry registry

FROM code AS api-code
COPY api api
COPY database database
COPY intervals intervals
RUN python3.11 -m compileall -q --invalidation-mode unchecked-hash .

FROM code AS training-code
COPY database database
COPY training training
RUN python3.11 -m compileall -q --invalidation-mode unchecked-hash .

# The gate's image is also the one that promotes, rolls back and judges a canary.
FROM code AS testing-code
COPY testing testing
COPY rollout rollout
COPY intervals intervals
RUN python3.11 -m compileall -q --invalidation-mode unchecked-hash .

# What every image has: a user without rights, no installer, nothing set-uid, and nothing to write
# to but /tmp and /var/lib/classifier, where the root is read-only.
FROM ${BASE} AS runtime
RUN rm -rf /usr/local/lib/python3.11/ensurepip /usr/local/lib/python3.11/site-packages/* \
      /usr/local/bin/pip* /usr/lib/python3.11/ensurepip /usr/share/python-wheels \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin classifier \
 && install --directory /app \
 && install --directory --owner=classifier --mode=1777 /var/lib/classifier
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    LOG_FORMAT=json
WORKDIR /app
USER 10001

FROM runtime AS service
ENV SERVE_HOST=0.0.0.0 \
    MODEL_CACHE=/var/lib/classifier/cache \
    DATABASE_URL=sqlite:////var/lib/classifier/database.sqlite
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%s/health' % (os.environ.get('SERVE_PORT') or 8000), timeout=4)"]
ENTRYPOINT ["python", "-m", "api"]

FROM service AS api
COPY --from=api-libraries /opt/venv /opt/venv
COPY --from=api-code /app /app
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title=classifier-api \
      org.opencontainers.image.licenses=MIT \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION} \
      org.opencontainers.image.source=${SOURCE}

# Without TensorFlow: it serves what the gate has made for ONNX Runtime, and nothing else.
FROM service AS api-slim
COPY --from=api-slim-libraries /opt/venv /opt/venv
COPY --from=api-code /app /app
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title=classifier-api-slim \
      org.opencontainers.image.licenses=MIT \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION} \
      org.opencontainers.image.source=${SOURCE}
ENV MODEL_RUNTIME=onnx

FROM runtime AS training
COPY --from=training-libraries /opt/venv /opt/venv
COPY --from=training-code /app /app
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title=classifier-training \
      org.opencontainers.image.licenses=MIT \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION} \
      org.opencontainers.image.source=${SOURCE}
ENV TRAIN_WORK=/var/lib/classifier/training \
    TRAIN_CODE_REVISION=${REVISION}
ENTRYPOINT ["python", "-m", "training"]

FROM runtime AS testing
COPY --from=testing-libraries /opt/venv /opt/venv
COPY --from=testing-code /app /app
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title=classifier-testing \
      org.opencontainers.image.licenses=MIT \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION} \
      org.opencontainers.image.source=${SOURCE}
ENV GATE_REPORTS=/var/lib/classifier/gate
ENTRYPOINT ["python", "-m", "testing"]
