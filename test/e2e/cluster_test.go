// Package e2e_test proves Outrider on a real cluster: the chart installed with
// Helm's library, real servers, their real exporters, the real Prometheus.
package e2e_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/evidence"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/test/poll"
	"github.com/outrider-dev/outrider/test/promql"
)

// patience is how long anything may take on a slow machine.
const patience = 3 * time.Minute

// env is the cluster with the release in it.
type env struct {
	cluster *kube.Cluster
	client  kubernetes.Interface
	applier *manifest.Applier
	prom    *promql.Client
	release release.Release
	// receiver gets Alertmanager's notifications; nil where pods do not reach it.
	receiver *receiver
}

// TestCluster runs in this order: the last one takes the release away.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test needs a cluster")
	}
	e, err := newEnv(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		test func(*testing.T, *env)
	}{
		{"Corpus", testCorpus},
		{"AnnotationToMetric", testAnnotationToMetric},
		{"Queries", testQueries},
		{"HelmTest", testHelmTest},
		{"Dashboards", testDashboards},
		{"Alerts", testAlerts},
		{"AlertmanagerReloads", testAlertmanagerReloads},
		{"Check", testCheck},
		{"Quiet", testQuiet},
		{"Attach", testAttach},
		{"Tour", testTour},
		{"Symptoms", testSymptoms},
		{"Optional", testOptional},
		{"UnaskedPodsNeverReachTheWebhook", testUnasked},
		{"EventOnTheOwner", testEventOnTheOwner},
		{"CannotReadSecrets", testCannotReadSecrets},
		{"SecretsComeOutNowhere", testSecretsComeOutNowhere},
		{"ExporterAtRuntime", testExporterAtRuntime},
		{"BrokenExporterImage", testBrokenExporterImage},
		{"Grant", testGrant},
		{"SeriesBudget", testSeriesBudget},
		{"MissedPodsAreRepaired", testMissedPodsAreRepaired},
		{"ReloadKeepsTheLastGood", testReloadKeepsTheLastGood},
		{"UpgradeKeepsTheCertificate", testUpgradeKeepsTheCertificate},
		{"ForeignCABundle", testForeignCABundle},
		{"RolloutUnderLoad", testRolloutUnderLoad},
		{"ControllerGone", testControllerGone},
		{"UpgradeDropsNoScrape", testUpgradeDropsNoScrape},
		{"CommandLineInstalls", testCommandLineInstalls},
		{"Uninstall", testUninstall},
	} {
		if !t.Run(tc.name, func(t *testing.T) { tc.test(t, e) }) {
			t.Log(evidence.Of(e.client, "outrider", "controller", "prometheus"))
		}
	}
}

func newEnv(ctx context.Context) (*env, error) {
	ctrllog.SetLogger(logr.Discard()) // controller-runtime's clients complain when there is none
	cluster, err := kube.Up(ctx, kube.Options{})
	if err != nil {
		return nil, err
	}
	controller, err := image.Controller()
	if err != nil {
		return nil, err
	}
	if err := cluster.LoadImages(ctx, append(image.Workloads(), controller)...); err != nil {
		return nil, err
	}
	e := &env{cluster: cluster, release: release.Release{Kubeconfig: cluster.Kubeconfig, Timeout: patience}}
	if e.client, err = kubernetes.NewForConfig(cluster.RESTConfig()); err != nil {
		return nil, err
	}
	if e.applier, err = manifest.NewApplier(cluster.RESTConfig()); err != nil {
		return nil, err
	}
	if e.prom, err = promql.New(cluster.RESTConfig(), "outrider", "outrider-prometheus:9090"); err != nil {
		return nil, err
	}
	if address := cluster.ControlPlane(); address != "" {
		if e.receiver, err = startReceiver(address); err != nil {
			return nil, err
		}
	}
	// A release that an earlier run left behind may be of another build.
	if err := e.release.Uninstall(); err != nil {
		return nil, fmt.Errorf("uninstall what an earlier run left: %w", err)
	}
	if _, err := e.release.Apply(ctx, e.values(interval)); err != nil {
		return nil, fmt.Errorf("install the chart: %w", err)
	}
	return e, nil
}

// interval is how often the tests' Prometheus scrapes.
const interval = "2s"

// values differ from the chart's defaults only in how long tests wait, in that
// everything is logged: nothing of it may be secret, and in where this cluster's
// control plane is.
func (e *env) values(interval string) map[string]any {
	values := map[string]any{
		"controller": map[string]any{"logLevel": "debug", "extraArgs": []any{"--proof-interval=5s"}},
		"prometheus": map[string]any{"scrapeInterval": interval},
		"scrape":     e.cluster.ScrapeValues(),
	}
	if e.receiver != nil {
		values["alertmanager"] = map[string]any{"config": e.receiver.configuration()}
	}
	return values
}

// apply applies a manifest for the duration of a test.
func (e *env) apply(t *testing.T, yaml []byte) {
	t.Helper()
	t.Cleanup(func() {
		if err := e.applier.Delete(context.Background(), yaml); err != nil {
			t.Error(err)
		}
	})
	if err := e.applier.Apply(t.Context(), yaml); err != nil {
		t.Fatal(err)
	}
}

func (e *env) settle(t *testing.T, namespace string) {
	t.Helper()
	if err := e.applier.Settle(t.Context(), namespace, patience); err != nil {
		t.Fatal(err)
	}
}

// eventually polls check, which returns "" once what it waits for holds and
// else what is still wrong.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	poll.Until(t, patience, 200*time.Millisecond, check)
}

// say logs a figure; make figures prints it.
func say(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf("figure: "+format, args...)
}
