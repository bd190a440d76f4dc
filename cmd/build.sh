#!/bin/sh
# Builds one of the programs as it is released:
#
#   VERSION=0.3.0 COMMIT=… DATE=… cmd/build.sh outrider /absolute/path/of/the/program
#
# The Dockerfile, make release and make supply all call it: the same source, version, commit, date and Go give the same
# bytes, wherever and whenever it is built. GOOS and GOARCH select the platform, as for go build. The command line of a
# release also gets IMAGE_DIGEST, that of the controller's image, for what it installs.
set -eu
cd "$(dirname "$0")/.."
p=github.com/outrider-dev/outrider/cmd/internal/version
CGO_ENABLED=0 GOFLAGS='' GOWORK=off exec go build -trimpath -buildvcs=false \
	-ldflags "-s -w -buildid= -X $p.version=${VERSION:-} -X $p.commit=${COMMIT:-} -X $p.date=${DATE:-} -X $p.imageDigest=${IMAGE_DIGEST:-}" -o "$2" "./cmd/$1"
