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

// New returns a client for a Service, such as outrider/outrider-prometheus:9090.
func New(config *rest.Config, namespace, service string) (*Client, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("create transport: %w", err)
	}
	c, err := api.NewClient(api.Config{
		Address:      strings.TrimSuffix(config.Host, "/") + "/api/v1/namespaces/" + namespace + "/services/" + service + "/proxy",
		RoundTripper: transport,
	})
	if err != nil {
		return nil, fmt.Errorf("create Prometheus client: %w", err)
	}
	return &Client{promv1.NewAPI(c)}, nil
}

// Query returns the samples of an instant query, now.
func (c *Client) Query(ctx context.Context, query string) (model.Vector, error) {
	value, _, _, err := c.api.Query(ctx, query, time.Now())
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", query, err)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("query %s gives a %s, not a vector", query, value.Type())
	}
	return vector, nil
}

// Targets returns the targets that are scraped, whatever their health.
func (c *Client) Targets(ctx context.Context) ([]promv1.ActiveTarget, error) {
	result, err := c.api.Targets(ctx)
	if err != nil {
		return nil, fmt.Errorf("list targets: %w", err)
	}
	return result.Active, nil
}
