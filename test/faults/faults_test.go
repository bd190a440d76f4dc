package faults_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/evidence"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/test/poll"
	"github.com/outrider-dev/outrider/test/promql"
)

var (
	every = flag.Bool("all", false, "Make every fault, and not only those for which CI has time.")
	soak  = flag.Duration("soak", 2*time.Minute, "How long the soak lasts.")
	mode  = flag.String("mode", "webhook", "Who injects, as webhook.mode of the chart's values: webhook or auto.")
)

// patience is how long anything may take on a slow machine.
const patience = 4 * time.Minute

// env is the cluster with the release in it.
type env struct {
	cluster *kube.Cluster
	client  kubernetes.Interface
	servers []kubernetes.Interface // a client of each API server; the load uses them in turn
	applier *manifest.Applier
	prom    *promql.Client
	release release.Release
	disk    *disk // under Prometheus; nil where it is not filled
	apps    *apps // that run through all faults
	nodes   bool  // whether this is the cluster of several nodes, whose faults are others
}

// TestFaults makes the faults in this order, those first that CI has time for.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test needs a cluster")
	}
	e := newEnv(t, kube.Options{})
	e.run(t, []fault{
		{"ReplicasKilled", true, testReplicasKilled},
		{"SecretAndConfigurationDeleted", true, testSecretAndConfigurationDeleted},
		{"APIServerRestarted", false, testAPIServerRestarted},
		{"DefinitionDeleted", false, testDefinitionDeleted},
		{"UpgradeAndRollback", false, testUpgradeAndRollback},
		{"LeaderPartitioned", false, testLeaderPartitioned},
		{"EtcdPaused", false, testEtcdPaused},
		{"NetworkLoss", false, testNetworkLoss},
		{"NetworkDelay", false, testNetworkDelay},
		{"ReplicasHang", false, testReplicasHang},
		{"ScaledToZero", false, testScaledToZero},
		{"DiskFull", false, testDiskFull},
		{"Soak", true, testSoak},
	})
}

// fault is a row of a table.
type fault struct {
	name string
	ci   bool // whether CI has time for it
	test func(*testing.T, *env)
}

// run makes the faults, each on a calm installation.
func (e *env) run(t *testing.T, faults []fault) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			if !f.ci && !*every {
				t.Skip("CI has no time for this one; make faults makes it")
			}
			e.calm(t)
			began := time.Now()
			defer func() { // also where the test ends itself
				t.Logf("took %s", time.Since(began).Round(time.Second))
				if t.Failed() {
					t.Log(evidence.Of(e.client, "outrider", "controller"))
				}
			}()
			f.test(t, e)
		})
	}
}

// newEnv installs the chart on a cluster of these options.
func newEnv(t *testing.T, options kube.Options) *env {
	t.Helper()
	ctrllog.SetLogger(logr.Discard()) // controller-runtime's clients complain when there is none
	ctx := t.Context()
	cluster, err := kube.Up(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	if cluster.ControlPlane() == "" {
		t.Skip("faults are made on the local cluster only: they would break yours")
	}
	controller, err := image.Controller()
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.LoadImages(ctx, append(image.Workloads(), controller)...); err != nil {
		t.Fatal(err)
	}
	e := &env{cluster: cluster, nodes: options.Nodes > 1, release: release.Release{Kubeconfig: cluster.Kubeconfig, Timeout: patience}}
	for _, config := range cluster.RESTConfigs() {
		config.WarningHandler = rest.NoWarnings{} // thousands of warnings about pods without an exporter
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		e.servers = append(e.servers, client)
	}
	e.client = e.servers[0]
	if e.applier, err = manifest.NewApplier(cluster.RESTConfig()); err != nil {
		t.Fatal(err)
	}
	if e.prom, err = promql.New(cluster.RESTConfig(), "outrider", "outrider-prometheus:9090"); err != nil {
		t.Fatal(err)
	}
	// A killed run may have left a release of another build.
	if err := e.release.Uninstall(); err != nil {
		t.Fatal(err)
	}
	e.forget(t)
	t.Cleanup(func() {
		if err := e.release.Uninstall(); err != nil {
			t.Error(err)
		}
		e.forget(t)
	})
	if *every && !e.nodes {
		e.disk = e.newDisk(t)
	}
	if _, err := e.release.Apply(ctx, e.values()); err != nil {
		t.Fatalf("install the chart: %v", err)
	}
	e.apps = e.startApps(t)
	return e
}

// values differ from the chart's defaults in that missed pods are repaired, and that tests do not wait as
// long as people do.
func (e *env) values() map[string]any {
	prometheus := map[string]any{"scrapeInterval": "15s"}
	if e.disk != nil {
		prometheus["persistence"] = map[string]any{"mode": "claim", "size": "1Gi", "storageClassName": storageClass}
		prometheus["extraArgs"] = []any{"--query.lookback-delta=30s"} // after which a series is gone
	}
	rules := map[string]any{}
	if e.nodes { // a pair, with which a node is lost and no sample; and alerts about a lost node that do not wait for 10 minutes
		prometheus["replicas"], prometheus["scrapeInterval"] = 2, "5s"
		soon := map[string]any{"for": "30s"}
		rules["overrides"] = map[string]any{"NodeNotReady": soon, "KubeletDown": soon}
	}
	return map[string]any{
		"rules":      rules,
		"webhook":    map[string]any{"mode": *mode},
		"controller": map[string]any{"replicas": 2, "repair": map[string]any{"enabled": true, "interval": "1s"}},
		"certs":      map[string]any{"settleTime": "10s"},
		"prometheus": prometheus,
		"scrape":     e.cluster.ScrapeValues(),
	}
}

// eventually polls check, which returns "" once what it waits for holds and
// else what is still wrong.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	poll.Until(t, patience, 200*time.Millisecond, check)
}

// during polls for as long as a fault is to last: the load needs time, not an event.
func during(d time.Duration, do func()) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// say logs a figure; make figures prints it.
func say(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf("figure: %s", fmt.Sprintf(format, args...))
}
