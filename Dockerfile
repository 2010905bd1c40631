# The service in a small image: docker build --tag msi-actions .
FROM rust:1.95-slim-bookworm AS build
# The allocator is built with make.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo build --release --locked --bin msi-actions

FROM debian:bookworm-slim
# Roots of trust for calls to Salesforce, Marketo and the mail server.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin msi \
    && install --directory --owner=10001 --group=10001 --mode=0750 /data
COPY --from=build /source/target/release/msi-actions /usr/local/bin/msi-actions
ENV MSI_DATA_DIR=/data \
    MSI_SERVER__ADDRESS=0.0.0.0:8080 \
    MSI_LOG__FORMAT=json
# By number, so that Kubernetes can tell that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["msi-actions"]
CMD ["serve"]
