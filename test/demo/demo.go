package main

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/cluster/progress"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/test/promql"
)

//go:embed workloads.yaml
var workloads []byte

const (
	namespace = "demo"
	patience  = 3 * time.Minute
)

// demo is a cluster with the release and the workloads in it.
type demo struct {
	cluster *kube.Cluster
	client  kubernetes.Interface
	applier *manifest.Applier
	prom    *promql.Client
}

func run(ctx context.Context) error {
	began := time.Now()
	step := func(format string, args ...any) {
		fmt.Printf("%6.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	values, err := announce()
	if err != nil {
		return err
	}
	d, err := newDemo(ctx)
	if err != nil {
		return err
	}
	info, err := d.client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("ask the cluster's version: %w", err)
	}
	step("a cluster of Kubernetes %s is up", info.GitVersion)

	controller, err := image.Controller()
	if err != nil {
		return err
	}
	if err := d.cluster.LoadImages(ctx, controller); err != nil {
		return err
	}
	done := progress.Start(ctx, "helm install outrider charts/outrider")
	values["prometheus"] = map[string]any{"scrapeInterval": "5s"}
	values["scrape"] = d.cluster.ScrapeValues()
	if err = d.applier.AwaitDeletion(ctx, "outrider", namespace); err == nil {
		_, err = d.release().Apply(ctx, values)
	}
	done()
	if err != nil {
		return fmt.Errorf("install the chart: %w", err)
	}
	step("the chart is installed: controller, Prometheus, Alertmanager, node-exporter, kube-state-metrics")

	if err := d.deploy(ctx); err != nil {
		return err
	}
	step("Redis, nginx and a DNS server run, each with one annotation of ours")

	if err := d.awaitUp(ctx); err != nil {
		return err
	}
	step("Prometheus has found them")
	return d.show(ctx)
}

// announce says what will be done to which cluster, before it is, and returns the values by which that cluster finds our
// image. A cluster that does not look like one to throw away is an error.
func announce() (map[string]any, error) {
	values := map[string]any{}
	if !kube.UsesCurrent() {
		fmt.Println("This starts a cluster of one node on this machine and installs the release outrider and the namespace demo in it; make demo-down removes all of it.")
		return values, nil
	}
	current, err := kube.FindCurrent()
	if err != nil {
		return nil, err
	}
	fmt.Printf("This will %s, and install the release outrider (namespace outrider) and the namespace demo in context %s at %s; make demo-down removes both.\n",
		current.Loading(), current.Context, current.Server)
	for key, value := range current.ImageValues() {
		values[key] = value
	}
	return values, current.Refusal()
}

func newDemo(ctx context.Context) (*demo, error) {
	cluster, err := kube.Up(ctx, kube.Options{})
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		return nil, fmt.Errorf("create client: %w", err)
	}
	prom, err := promql.New(cluster.RESTConfig(), "outrider", "outrider-prometheus:9090")
	if err != nil {
		return nil, err
	}
	applier, err := manifest.NewApplier(cluster.RESTConfig())
	if err != nil {
		return nil, err
	}
	return &demo{cluster, client, applier, prom}, nil
}

func (d *demo) release() release.Release { return release.Release{Kubeconfig: d.cluster.Kubeconfig} }

func (d *demo) deploy(ctx context.Context) error {
	if err := d.applier.Apply(ctx, workloads); err != nil {
		return err
	}
	defer progress.Start(ctx, "wait for the pods")()
	return d.applier.Settle(ctx, namespace, patience)
}

// takeDown removes what run made. A cluster of the harness's goes as a whole.
func takeDown(ctx context.Context) error {
	if !kube.UsesCurrent() {
		return kube.Down(ctx)
	}
	d, err := newDemo(ctx)
	if err != nil {
		return err
	}
	if err := d.applier.Delete(ctx, workloads); err != nil {
		return err
	}
	return d.release().Uninstall()
}
