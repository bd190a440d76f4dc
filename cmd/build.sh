#!/bin/sh
# Builds one of the programs as it is released:
#
#   VERSION=0.3.0 COMMIT=… DATE=… cmd/build.sh outrider /absolute/path/of/the/program
#
# The Dockerfile, make release and make supply all call it: the same source, version, commit, date and Go give the same
# bytes, wherever and whenever it is built. GOOS and GOARCH select the platform, as for go build.
set -eu
cd "$(dirname "$0")/.."
p=github.com/outrider-dev/outrider/cmd/internal/version
CGO_ENABLED=0 GOFLAGS='' GOWORK=off exec go build -trimpath -buildvcs=false \
	-ldflags "-s -w -buildid= -X $p.version=${VERSION:-} -X $p.commit=${COMMIT:-} -X $p.date=${DATE:-}" -o "$2" "./cmd/$1"
