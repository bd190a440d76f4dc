#!/bin/sh
# Runs the tests of the layers named, one layer after the other, and prints go test -json for gotestsum. A layer is a
# group of packages that need the same things.
failed=0
# Nothing from the test cache: it does not know the programs that tests build and run.
run() { go test -json -count=1 -timeout=60m "$@" || failed=1; }
for layer in "$@"; do
	case $layer in
	unit) run ./cmd/... ./sidecars/... ./webhook/... ./certs/... ./discovery/... ./charts/... $(go list ./test/... | grep -Ev \
		'/test/(apiserver|certificates|cluster|e2e|enforcement|faults|grant|image|load|network|nodes|policy|release/published|scale|servers|stack)(/|$)') ;;
	apiserver) run ./test/cluster/... ./test/apiserver/... ./test/load/... ./test/enforcement/... ./test/policy/... ./test/stack/... ./test/scale/... ;;
	# Alone: certificates of seconds are renewed under load here, and no pod may be missed.
	certificates) run ./test/certificates ;;
	# Servers and exporters from their images, without a cluster.
	image) run ./test/image/... ./test/grant ./test/servers ;;
	release) run ./test/release/published ;;
	cluster) run -parallel=6 ./test/e2e/... ;;
	faults) run ./test/faults -run 'TestFaults$' ;;
	nodes) run ./test/network; run ./test/nodes; run ./test/faults -run 'TestNodes$' ;;
	*) echo "layers.sh: no layer is called $layer" >&2; exit 2 ;;
	esac
done
exit $failed
