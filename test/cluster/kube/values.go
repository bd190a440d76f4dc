package kube

// ScrapeValues is the block scrape of the chart's values for a cluster whose control plane runs as processes at an
// address; with "" the chart's defaults stand.
func ScrapeValues(controlPlane string) map[string]any {
	if controlPlane == "" {
		return map[string]any{}
	}
	addresses := map[string]any{}
	for _, component := range []string{"scheduler", "controllerManager", "etcd", "kubeProxy"} {
		addresses[component] = []any{controlPlane}
	}
	return map[string]any{"addresses": addresses}
}
