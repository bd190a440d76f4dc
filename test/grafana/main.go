// Command grafana has a running Grafana load every dashboard of the chart and render every panel:
//
//	go run ./test/grafana -url http://127.0.0.1:3000 -prometheus http://prometheus:9090 -out out/grafana
//
// It ends with 1 if Grafana refuses a dashboard, answers a panel's query with an error, or renders no picture. Grafana needs
// the image renderer and a login or anonymous administrators. The pictures are left in a folder. test/dashboards holds the
// queries to real samples; here it is Grafana itself that reads what it is given.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	g := grafana{patience: 3 * time.Minute}
	flag.StringVar(&g.url, "url", "http://127.0.0.1:3000", "Address of Grafana.")
	flag.StringVar(&g.prometheus, "prometheus", "http://127.0.0.1:9090", "Address of Prometheus, as Grafana reaches it.")
	flag.StringVar(&g.out, "out", "out/grafana", "Folder for the pictures.")
	flag.Parse()
	root, err := build.Root()
	if err == nil {
		err = g.check(ctx, filepath.Join(root, "charts", "outrider", "files", "dashboards"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "grafana:", err)
		os.Exit(1)
	}
}

// check loads and renders the dashboards in a folder. The error has everything that is wrong.
func (g grafana) check(ctx context.Context, folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no dashboards in %s", folder)
	}
	if err := os.MkdirAll(g.out, 0o755); err != nil {
		return err
	}
	if err := g.await(ctx); err != nil {
		return err
	}
	source, err := g.addSource(ctx)
	if err != nil {
		return err
	}
	var wrong []error
	panels := 0
	for _, file := range files {
		n, err := g.dashboard(ctx, file, source)
		panels += n
		wrong = append(wrong, err)
	}
	fmt.Printf("%d panels of %d dashboards rendered into %s\n", panels, len(files), g.out)
	return errors.Join(wrong...)
}
