# The image of the controller: one static program, no shell, no user but nonroot.
#
#   docker build --build-arg VERSION=v1.2.3 -t outrider-controller .
#   docker buildx build --platform linux/amd64,linux/arm64 …      cross-compiles; nothing is emulated

FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26 AS build
WORKDIR /src

# A layer of its own: it is built again only when a dependency changes.
COPY go.mod go.sum ./
RUN go mod download

# .dockerignore lets only what the program is made of through.
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev
# The same source and the same Go give the same bytes, wherever and whenever it is built.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
    -ldflags "-s -w -buildid= -X main.version=$VERSION" \
    -o /outrider-controller ./cmd/outrider-controller

FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=dev
LABEL org.opencontainers.image.title="outrider-controller" \
      org.opencontainers.image.description="Puts a Prometheus exporter beside every workload that needs one" \
      org.opencontainers.image.source="https://github.com/outrider-dev/outrider" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /outrider-controller /outrider-controller
# Numeric, so that runAsNonRoot can be checked without reading the image's passwd.
USER 65532:65532
ENTRYPOINT ["/outrider-controller"]
