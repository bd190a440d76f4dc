# The image of the controller: one static program, no shell, no user but nonroot.
#
#   docker build --build-arg VERSION=1.2.3 --build-arg COMMIT=… --build-arg DATE=… -t outrider-controller .
#   docker buildx build --platform linux/amd64,linux/arm64 …      cross-compiles; nothing is emulated

FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26 AS build
WORKDIR /src

# A layer of its own: it is built again only when a dependency changes.
COPY go.mod go.sum ./
RUN go mod download

# .dockerignore lets only what the program is made of through.
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev COMMIT DATE
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH cmd/build.sh outrider-controller /outrider-controller

FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=dev COMMIT
LABEL org.opencontainers.image.title="outrider-controller" \
      org.opencontainers.image.description="Puts a Prometheus exporter beside every workload that needs one" \
      org.opencontainers.image.source="https://github.com/outrider-dev/outrider" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"
COPY --from=build /outrider-controller /outrider-controller
# Numeric, so that runAsNonRoot can be checked without reading the image's passwd.
USER 65532:65532
ENTRYPOINT ["/outrider-controller"]
