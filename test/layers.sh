#!/bin/sh
# Runs the tests of the layers named, one layer after the other, and prints go test -json for gotestsum. A layer is a
# group of packages that need the same things.
failed=0
run() { go test -json -timeout=60m "$@" || failed=1; }
for layer in "$@"; do
	case $layer in
	unit) run ./cmd/... ./sidecars/... ./webhook/... ./certs/... ./discovery/... ./charts/... $(go list ./test/... | grep -Ev \
		'/test/(apiserver|certificates|cluster|e2e|enforcement|faults|image|load|scale|stack)(/|$)') ;;
	# Nothing from the test cache from here on: it does not know the programs that these tests build and run.
	apiserver) run -count=1 ./test/cluster/... ./test/apiserver/... ./test/load/... ./test/enforcement/... ./test/stack/... ./test/scale/... ;;
	# Alone: certificates of seconds are renewed under load here, and no pod may be missed.
	certificates) run -count=1 ./test/certificates ;;
	image) run -count=1 ./test/image/... ;;
	cluster) run -count=1 -parallel=6 ./test/e2e/... ;;
	faults) run -count=1 ./test/faults ;;
	*) echo "layers.sh: no layer is called $layer" >&2; exit 2 ;;
	esac
done
exit $failed
