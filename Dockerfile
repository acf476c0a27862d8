# Two images out of one build:
#   docker build --target sim -t vllm-sim .                  the server, the dataset tool and the KV-event listener
#   docker build --target pd-sidecar -t pd-sidecar .         the proxy for prefill/decode disaggregation
# They hold Node, the packages as they are published to npm, and nothing else: no shell, no package manager.

ARG NODE_VERSION=26.10.0
ARG BUILD_BASE=docker.io/library/node:${NODE_VERSION}-trixie-slim
ARG RUN_BASE=gcr.io/distroless/cc-debian13:nonroot

FROM ${BUILD_BASE} AS build
# For `strip`: Node's binary carries 33 MB that only debuggers read. Its version matters to nobody.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN npx --yes pnpm@12.21.0 install --frozen-lockfile \
 && npx --yes pnpm@12.21.0 build
RUN sh scripts/image/assemble.sh vllm-sim /image/sim vllm-sim vllm-sim-dataset vllm-sim-kv-listener \
 && sh scripts/image/assemble.sh vllm-pd-sidecar /image/pd-sidecar pd-sidecar

FROM ${RUN_BASE} AS sim
LABEL org.opencontainers.image.title="vllm-sim" \
      org.opencontainers.image.description="A vLLM server without the GPU" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.source="https://github.com/vllm-sim/vllm-sim" \
      org.opencontainers.image.documentation="https://github.com/vllm-sim/vllm-sim#readme"
COPY --from=build /image/sim/ /
ENV NODE_ENV=production
USER 65532:65532
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["vllm-sim", "health"]
ENTRYPOINT ["vllm-sim"]

FROM ${RUN_BASE} AS pd-sidecar
LABEL org.opencontainers.image.title="pd-sidecar" \
      org.opencontainers.image.description="Prefill/decode disaggregation in front of vLLM" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.source="https://github.com/vllm-sim/vllm-sim" \
      org.opencontainers.image.documentation="https://github.com/vllm-sim/vllm-sim/blob/main/docs/pd-sidecar.md"
COPY --from=build /image/pd-sidecar/ /
ENV NODE_ENV=production
USER 65532:65532
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["pd-sidecar", "health"]
ENTRYPOINT ["pd-sidecar"]
