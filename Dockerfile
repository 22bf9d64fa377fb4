# ganzoo on a CPU: the command in an image, and an image that passes the tests.
#
#   docker build -t ganzoo .
#   docker run --rm -v "$PWD:/work" ganzoo sample dcgan-faces -n 16 -o faces.png
#
#   docker build -t ganzoo-dev --target dev .
#   docker run --rm ganzoo-dev                     # make test
#
# What a run writes belongs to user 1000; where you are another one: docker run --user "$(id -u):$(id -g)" ...

ARG PYTHON=3.12

# What all stages share: an ordinary user, and the smaller PyTorch without CUDA.
FROM python:${PYTHON}-slim AS base
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
RUN useradd --create-home --uid 1000 ganzoo

# Where one works on ganzoo: the devcontainer adds the tree, `dev` the tree and its environment.
FROM base AS tools
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
USER 1000:1000

FROM tools AS dev
WORKDIR /home/ganzoo/tree
COPY --chown=ganzoo:ganzoo . .
RUN make .venv/.installed-dev
CMD ["make", "test"]

# The last stage is what `docker build` makes by itself.
FROM base AS ganzoo
WORKDIR /home/ganzoo/tree
COPY pyproject.toml README.md LICENSE ./
COPY ganzoo ganzoo
COPY recipes recipes
COPY checkpoints checkpoints
# hadolint ignore=DL3013
RUN pip install ".[imagenet,mp4,music,onnx,voxels]" \
    && rm -rf /home/ganzoo/tree
USER 1000:1000
WORKDIR /work
# Caches and a home for whoever `docker run --user` names.
ENV HOME=/tmp
ENTRYPOINT ["ganzoo"]
CMD ["--help"]
