package kube

// ScrapeValues is the block scrape of the chart's values for this cluster: where its control plane runs as processes,
// their addresses, and else the chart's defaults.
func (c *Cluster) ScrapeValues() map[string]any {
	if c.current != nil {
		return map[string]any{}
	}
	addresses := map[string]any{}
	for _, component := range []string{"scheduler", "controllerManager", "etcd"} {
		addresses[component] = []any{metricsAddress}
	}
	var proxies []any
	for _, n := range c.layout.shape().nodes() {
		proxies = append(proxies, n.address())
	}
	addresses["kubeProxy"] = proxies
	return map[string]any{"addresses": addresses}
}
