// Package promql asks the Prometheus of a cluster, through the API server's
// proxy, so that it works wherever kubectl does.
package promql

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/rest"
)

// Client asks one Prometheus.
type Client struct{ api promv1.API }

// At returns a client for the Prometheus at a URL, such as http://127.0.0.1:9090.
func At(url string) (*Client, error) {
	c, err := api.NewClient(api.Config{Address: url})
	if err != nil {
		return nil, fmt.Errorf("create Prometheus client: %w", err)
	}
	return &Client{promv1.NewAPI(c)}, nil
}

// New returns a client for a Service, such as outrider/outrider-prometheus:9090.
func New(config *rest.Config, namespace, service string) (*Client, error) {
	return proxied(config, namespace, "services/"+service)
}

// NewPod returns a client for one pod, such as outrider/outrider-prometheus-0:9090.
func NewPod(config *rest.Config, namespace, pod string) (*Client, error) {
	return proxied(config, namespace, "pods/"+pod)
}

func proxied(config *rest.Config, namespace, of string) (*Client, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("create transport: %w", err)
	}
	c, err := api.NewClient(api.Config{
		Address:      strings.TrimSuffix(config.Host, "/") + "/api/v1/namespaces/" + namespace + "/" + of + "/proxy",
		RoundTripper: transport,
	})
	if err != nil {
		return nil, fmt.Errorf("create Prometheus client: %w", err)
	}
	return &Client{promv1.NewAPI(c)}, nil
}

// Query returns the samples of an instant query, now.
func (c *Client) Query(ctx context.Context, query string) (model.Vector, error) {
	return c.QueryAt(ctx, query, time.Now())
}

// QueryAt is Query at another time.
func (c *Client) QueryAt(ctx context.Context, query string, at time.Time) (model.Vector, error) {
	return ask[model.Vector](ctx, c, query, at)
}

// Samples returns the samples of a range selector, such as up[5m], as they were stored.
func (c *Client) Samples(ctx context.Context, query string) (model.Matrix, error) {
	return ask[model.Matrix](ctx, c, query, time.Now())
}

func ask[T model.Value](ctx context.Context, c *Client, query string, at time.Time) (T, error) {
	var none T
	value, _, _, err := c.api.Query(ctx, query, at)
	if err != nil {
		return none, fmt.Errorf("query %s: %w", query, err)
	}
	answer, ok := value.(T)
	if !ok {
		return none, fmt.Errorf("query %s gives a %s, not a %s", query, value.Type(), none.Type())
	}
	return answer, nil
}

// Targets returns the targets that are scraped, whatever their health.
func (c *Client) Targets(ctx context.Context) ([]promv1.ActiveTarget, error) {
	result, err := c.api.Targets(ctx)
	if err != nil {
		return nil, fmt.Errorf("list targets: %w", err)
	}
	return result.Active, nil
}

// Alerts returns the alerts that are pending or firing.
func (c *Client) Alerts(ctx context.Context) ([]promv1.Alert, error) {
	result, err := c.api.Alerts(ctx)
	if err != nil {
		return nil, fmt.Errorf("list alerts: %w", err)
	}
	return result.Alerts, nil
}

// MachineAlerts is a pattern of the names of alerts about the machine itself, which has other work than the cluster and is
// all of its nodes.
const MachineAlerts = `Node(Filesystem|Inodes|Memory|CPU|Disk|Network|Conntrack|Clock|FileDescriptors|Tasks).*`
