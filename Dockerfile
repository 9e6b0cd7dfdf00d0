# syntax=docker/dockerfile:1
# Two images of one program:
#   docker build --target cpu  -t stickersmith:cpu .
#   docker build --target cuda -t stickersmith:cuda .
#   docker run --rm -v "$PWD:/data" -v stickersmith:/cache stickersmith:cpu make pack/ photo.jpg --out results/
#   docker run --rm --gpus all -v "$PWD:/data" -v stickersmith:/cache stickersmith:cuda make pack/ photo.jpg --out results/ --profile sd15
#
# The base image is named by tag, not by digest: no digest was at hand that we could confirm. Pin one before you publish.
# CUDA comes inside PyPI's build of torch; the machine brings the driver and the NVIDIA container toolkit, nothing more.

FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PATH=/opt/venv/bin:$PATH
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]

# ── what is installed, apart from our own code: a layer that changes with pyproject.toml only ──
FROM base AS requirements
WORKDIR /build
COPY pyproject.toml ./
RUN python -m venv /opt/venv \
 && python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > requirements.txt

FROM requirements AS packages-cpu
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --index-url https://download.pytorch.org/whl/cpu "$(grep '^torch==' requirements.txt)" \
 && pip install -r requirements.txt

FROM requirements AS packages-cuda
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install -r requirements.txt -r <(python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["xformers"], sep="\n")')

# ── our own code, as a wheel ──
FROM base AS wheel
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY bot ./bot
COPY pipeline ./pipeline
COPY training ./training
COPY segmentation ./segmentation
COPY configs ./configs
COPY scripts ./scripts
RUN --mount=type=cache,target=/root/.cache/pip \
    pip wheel --no-deps --wheel-dir /wheel .

# ── the images: one program each, run by nobody in particular ──
FROM base AS runtime
RUN useradd --uid 1000 --create-home stickers \
 && install -d -o stickers -g stickers /data \
 && install -d -m 1777 /cache
ENV STICKERS_CACHE_DIR=/cache/stickersmith \
    HF_HOME=/cache/huggingface
WORKDIR /data
VOLUME ["/cache"]
# The container lives as long as one command does: what it prints is its health.
HEALTHCHECK NONE
ENTRYPOINT ["stickers"]
CMD ["--help"]

FROM runtime AS cuda
COPY --from=packages-cuda /opt/venv /opt/venv
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    pip install --no-cache-dir --no-deps /wheel/*.whl
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 1000

# Last, so that a plain `docker build .` makes it.
FROM runtime AS cpu
COPY --from=packages-cpu /opt/venv /opt/venv
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    pip install --no-cache-dir --no-deps /wheel/*.whl
USER 1000
