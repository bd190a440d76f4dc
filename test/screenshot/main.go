// Command screenshot takes the README's picture: the demo's metrics in the
// Prometheus of the running cluster, with headless Chromium.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/test/cluster/kube"
)

const picture = ".github/prometheus.png"

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "screenshot:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cluster, err := kube.Up(ctx, kube.Options{})
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	service, err := client.CoreV1().Services("outrider").Get(ctx, "outrider-prometheus", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get Prometheus' Service (run make demo first): %w", err)
	}
	if err := installChromium(ctx); err != nil {
		return err
	}
	query := url.Values{
		"g0.expr": {`{__name__=~"redis_up|nginx_up"}`}, "g0.tab": {"table"},
		"g1.expr": {`rate(redis_commands_processed_total[1m])`}, "g1.tab": {"table"},
	}
	profile, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(profile)
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+profile,
		"--window-size=1280,600", "--virtual-time-budget=15000", "--screenshot="+picture,
		fmt.Sprintf("http://%s:9090/query?%s", service.Spec.ClusterIP, query.Encode()))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("chromium: %w\n%s", err, out)
	}
	fmt.Println(picture)
	return nil
}

func installChromium(ctx context.Context) error {
	if _, err := exec.LookPath("chromium"); err == nil {
		return nil
	}
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"}} {
		if out, err := exec.CommandContext(ctx, "apt-get", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, out)
		}
	}
	return nil
}
