package diagnosis

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// mostPods are looked at; a hint about each of more would be no hint.
const mostPods = 500

// accounts names exporters that log in as an account which may do everything.
func accounts(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "accounts"
	pods, err := p.Client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		LabelSelector: sidecars.MonitoredKey + "=" + sidecars.MonitoredTrue, Limit: mostPods,
	})
	if err != nil {
		found(warn(name, "", "monitored pods cannot be listed: %v", err))
		return true
	}
	var super []string
	for i := range pods.Items {
		pod := &pods.Items[i]
		for _, exporter := range sidecars.Superusers(pod, sidecars.Builtin()) {
			super = append(super, fmt.Sprintf("%s in %s/%s", exporter, pod.Namespace, pod.Name))
		}
	}
	slices.Sort(super)
	switch n := len(super); n {
	case 0:
		found(pass(name, "no exporter of %d monitored pods is seen to log in as a superuser", len(pods.Items)))
	default:
		shown := strings.Join(super[:min(n, 5)], ", ")
		if n > 5 {
			shown += fmt.Sprintf(" and %d more", n-5)
		}
		found(warn(name, "outrider grant KIND/NAME -n NAMESPACE makes an account that may only read metrics", "%d exporters log in as a superuser: %s", n, shown))
	}
	return true
}
