# An image that runs every command of the README. How to build and use it: docs/docker.md.
FROM python:3.12-slim

# Extra flags for pip, for example an index that holds CPU-only builds of torch.
ARG PIP_FLAGS=""
# git: the commit is stored with each run. libgomp1: OpenMP for torch and numba.
RUN apt-get update \
    && apt-get install -y --no-install-recommends git libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory /app

WORKDIR /app
# torch first and alone: the layer is large, and it changes less often than the code.
COPY constraints.txt ./
RUN pip install --no-cache-dir ${PIP_FLAGS} -c constraints.txt torch
COPY . .
RUN pip install --no-cache-dir ${PIP_FLAGS} -c constraints.txt -e '.[watch,mpe,postgres]'

# Results go to /work: mount a folder there.
RUN useradd --create-home runner && mkdir /work && chown runner /work
USER runner
WORKDIR /work
ENTRYPOINT ["python", "-m"]
CMD ["harness.compare", "--help"]
