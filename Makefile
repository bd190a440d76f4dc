# Everything that is done with this repository. `make` lists the targets.
#
# A fresh Debian machine needs root, Go and make; the targets install the rest.

.DEFAULT_GOAL := help
.PHONY: help alarms demo demo-down test test-unit test-apiserver test-cluster figures versions supply bench load scale cost latency faults nodes thanos soak values fuzz flood verify update lint image screenshot cluster-up cluster-down release release-test publish grafana

# What the programs print about themselves comes from here alone: Chart.yaml has the version, git the commit and its date.
VERSION ?= $(shell sed -n 's/^appVersion: *"*\([^"]*\)"*/\1/p' charts/outrider/Chart.yaml)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE ?= $(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
FUZZTIME ?= 1m
FLOODTIME ?= 20s
DIST ?= dist
SOAK ?= 30m
MODE ?= webhook
CONTROLLER_GEN = go tool -modfile=test/tools/go.mod controller-gen object crd paths=./sidecars/v1alpha1

# The same flags as the programs of the local cluster are built with: what both are made of is compiled once.
export CGO_ENABLED = 0
export GOFLAGS = -trimpath

# Runs the tests of layers, of which test/layers.sh has the list, and sums up. Lines of tests that begin with "figure:" are
# kept; print them with make figures.
TESTLOG ?= $(or $(TMPDIR),/tmp)/outrider-tests.json
LAYERS = go tool -modfile=test/tools/go.mod gotestsum --format=pkgname --format-hide-empty-pkg --jsonfile=$(TESTLOG) \
	--ignore-non-json-output-lines --raw-command -- test/layers.sh

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Show it: a cluster, the chart, annotated applications, every job up. CLUSTER=current takes your own cluster.
	go run ./test/demo

demo-down: ## Remove what demo made.
	go run ./test/demo -down

test: ## Run all tests: unit, API server, certificates, image, release, cluster, faults.
	$(LAYERS) unit apiserver certificates image release cluster faults

test-unit: ## Run the tests that need nothing.
	$(LAYERS) unit

test-apiserver: ## Run the tests that need a real API server.
	$(LAYERS) apiserver certificates

test-cluster: ## Run the tests that need a real cluster.
	$(LAYERS) cluster

figures: ## Print what the last run of tests measured.
	@sed -n 's/.*figure: \(.*\)\\n"}$$/\1/p' $(TESTLOG)

versions: ## Run the API server's tests with every supported version of Kubernetes, all built here, and print what passed.
	go run ./test/versions

supply: ## Check what the programs are made of: same bytes twice, licenses, bills of materials, known vulnerabilities.
	go run ./test/supply -version $(VERSION)

release: ## Build everything that a release consists of into DIST (dist): archives, image, chart, bills of materials, checksums. TAG checks a tag.
	go run ./test/release -out $(DIST) -version $(VERSION) $(if $(TAG),-tag $(TAG))

release-test: ## Publish a release in a registry on this machine and verify, install, upgrade it with Helm 3 and 4. DIST=dist takes what make release made; WHERE=cluster also runs it on the local cluster.
	go test -count=1 -timeout=90m -v ./test/release/published -args $(if $(filter command line,$(origin DIST)),-dist $(abspath $(DIST))) $(if $(filter cluster,$(WHERE)),-cluster)

publish: ## Push the release in DIST to REGISTRY, such as ghcr.io/outrider-dev, and sign it: with KEY, or as the release workflow.
	go run ./test/release/publish -dist $(DIST) -to $(REGISTRY) $(if $(KEY),-key $(KEY))

grafana: ## Load every dashboard in the Grafana at GRAFANA and render every panel, with PROMETHEUS as its data source; pictures go to out/grafana.
	go run ./test/grafana -url $(GRAFANA) -prometheus $(PROMETHEUS) -out out/grafana

bench: ## Run the benchmarks of the hot path, compared with the last run.
	go run ./test/bench

load: ## Measure what pods pay for the webhook on a real API server, beside the alternatives; some minutes.
	go run ./test/load

scale: ## Compare the cost of discovery at 1,000, 5,000 and 20,000 pods with the annotation way, and of a shard with one Prometheus; ends with an error over a budget.
	go run ./test/scale -csv test/scale/figures.csv
	GOFLAGS= go -C test/scale/picture run . ../figures.csv ../../../.github/scale.png

cost: ## Measure the series, CPU and memory of exporters beside real servers, and compare them with their definitions; root, some minutes.
	go run ./test/cost

latency: ## Measure the time from a pod's being ready to its first sample, without a cluster (with one: go run ./test/scale -latency cluster).
	go run ./test/scale -latency loopback

alarms: ## Do some 60 operations on a local cluster of two nodes, with rules whose durations are a tenth, and compare the alerts that fire with those that should; half an hour.
	go test -count=1 -timeout=60m -v ./test/alarms -week

faults: ## Break what Outrider stands on, under load, on the local cluster, and count what became of the pods; MODE=auto has the API server's policies inject.
	go test -count=1 -timeout=60m -v -run TestFaults ./test/faults -all -mode=$(MODE)
	go test -count=1 -timeout=10m -v -run TestWrongClock ./test/certificates

nodes: ## Who reaches what by the NetworkPolicies; then, on a local cluster of three nodes and two API servers, what happens to pods while nodes die, are drained and start; MODE=auto as in faults.
	go test -count=1 -timeout=30m -v ./test/network
	go test -count=1 -timeout=20m -v -run TestNodes ./test/nodes
	go test -count=1 -timeout=60m -v -run TestNodes ./test/faults -all -mode=$(MODE)

thanos: ## Shards, copies and clusters behind Thanos answer as one Prometheus, also from object storage and after remote write; then in pods of the local cluster. Builds Thanos, ten minutes of CPU.
	go test -count=1 -timeout=40m -v -run 'Thanos|ObjectStorage|RemoteWrite' ./test/stack -thanos
	go test -count=1 -timeout=90m -v -run TestThanos ./test/e2e -thanos

soak: ## Change everything all the time for SOAK (30m) on the local cluster: memory, goroutines and files stay flat.
	go test -count=1 -timeout=24h -v -run TestFaults/Soak ./test/faults -soak=$(SOAK)

values: ## Render 10,000 random values of the chart, and have Prometheus and Alertmanager load them; an hour.
	go test ./charts -run TestRandomValues -count=1 -timeout 6h -args -random 10000

fuzz: ## Run every fuzzer for FUZZTIME (1m) and print its executions.
	go run ./test/fuzz -time $(FUZZTIME)

flood: ## Attack the webhook's port, and those for metrics and probes, for FLOODTIME (20s) in each way that is known.
	go test ./test/apiserver -run 'TestFlood' -count=1 -v -timeout 1h -args -flood=$(FLOODTIME)

verify: ## Check that generated files and formatting are up to date.
	test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo "repair with: gofmt -w ."; exit 1; }
	go mod tidy -diff || { echo "repair with: go mod tidy"; exit 1; }
	go vet ./...
	@d=$$(mktemp -d) && trap 'rm -rf "$$d"' EXIT && $(CONTROLLER_GEN) output:object:dir="$$d" output:crd:dir="$$d" && \
		diff -u sidecars/v1alpha1/zz_generated.deepcopy.go "$$d/zz_generated.deepcopy.go" && \
		diff -u charts/outrider/files/outrider.dev_exporters.yaml "$$d/outrider.dev_exporters.yaml" || \
		{ echo "the Exporter's generated code or CustomResourceDefinition is out of date; repair with: make update"; exit 1; }
	go test ./sidecars ./discovery -run TestChartFile
	go test ./test/values
	go test ./test/dashboards -run TestChartFiles
	go test ./charts -run TestGolden
	go test ./test/corpus -run TestGoldens
	go test ./test/docs
	go test ./test/cli

update: ## Rewrite generated files: the Exporter's code and CustomResourceDefinition, the chart's scrape job, schema, table of values and dashboards, the goldens, the pages' tables.
	$(CONTROLLER_GEN) output:crd:dir=charts/outrider/files
	go test ./test/profile -update
	go test ./sidecars ./discovery -run TestChartFile -update
	go test ./test/values -update
	go test ./test/dashboards -run TestChartFiles -update
	go test ./charts -run TestGolden -update
	go test ./test/corpus -run TestGoldens -update
	go test ./test/docs -update
	go test ./test/cli -update

lint: ## Run golangci-lint, the dependency rule included.
	go tool -modfile=test/tools/go.mod golangci-lint run

image: ## Build the controller's image from the Dockerfile with the container tool of this machine.
	$(shell command -v buildah || command -v docker || command -v podman || echo docker) build \
		--build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) --build-arg DATE=$(DATE) -t ghcr.io/outrider-dev/outrider-controller:$(VERSION) .

screenshot: ## Take the README's picture from the demo's cluster with headless Chromium.
	go run ./test/cluster ui
	go run ./test/demo
	go run ./test/screenshot

cluster-up: ## Start the local cluster.
	go run ./test/cluster up

cluster-down: ## Stop it and put the machine back.
	go run ./test/cluster down
