package apiserver_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	promapi "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/endpoint"
)

// startServer runs the real Prometheus under the scrape jobs, with the test's API server, until the test ends.
func startServer(t *testing.T) promv1.API {
	t.Helper()
	const find = "\n    - role: pod\n"
	jobs := strings.ReplaceAll(string(discovery.Jobs()), find, find+"      kubeconfig_file: "+api.Kubeconfig()+"\n")
	if !strings.Contains(jobs, "kubeconfig_file") {
		t.Fatalf("no %q in the jobs", find)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte("global: {scrape_interval: 10s, scrape_timeout: 10s}\nscrape_configs:\n"+jobs), 0o644); err != nil {
		t.Fatal(err)
	}
	return runServer(t, config)
}

// runServer runs the real Prometheus with a configuration file, which it watches, until the test ends.
func runServer(t *testing.T, config string) promv1.API {
	t.Helper()
	program, err := build.Binary(t.Context(), "prometheus")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	address := endpoint.FreeFor(t)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address,
		"--config.auto-reload", "--config.auto-reload-interval=1s")
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the test's context has ended it
		_ = cmd.Wait()
		_ = log.Close()
		if said, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("Prometheus says:\n%.8000s", said)
		}
	})
	client, err := promapi.NewClient(promapi.Config{Address: "http://" + address})
	if err != nil {
		t.Fatal(err)
	}
	server := promv1.NewAPI(client)
	eventually(t, func() string {
		if _, err := server.Buildinfo(t.Context()); err != nil {
			return err.Error()
		}
		return ""
	})
	return server
}
