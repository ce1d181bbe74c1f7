FROM swift:6.3-bookworm AS build
# Debian's archive has only the latest version of each.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpq-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift ./
COPY sql ./sql
COPY openapi ./openapi
COPY Sources ./Sources
COPY Tests ./Tests
RUN swift build -c release --product runledger --static-swift-stdlib \
    && mkdir /runledger \
    && cp .build/release/runledger /runledger/ \
    && find .build/release/ -maxdepth 1 -name '*.resources' -exec cp -R {} /runledger/ ';'

FROM debian:bookworm-slim
# Debian's archive has only the latest version of each.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home runledger
COPY --from=build /runledger /opt/runledger
COPY models /opt/runledger/models
COPY providers /opt/runledger/providers
ENV RUNLEDGER_MODELS=/opt/runledger/models
USER 10001
EXPOSE 8080 9464
ENTRYPOINT ["/opt/runledger/runledger"]
CMD ["serve"]
