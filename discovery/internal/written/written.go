// Package written is what the leader writes into ConfigMaps that the chart makes, and that pods mount.
package written

import (
	"context"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Keep brings the data of a ConfigMap, read past any cache, to data, and reports whether it was something else. The error of the
// API server says NotFound where there is no such ConfigMap, which helm upgrade makes again.
func Keep(ctx context.Context, direct client.Reader, writer client.Writer, key client.ObjectKey, data map[string]string) (changed bool, err error) {
	var found corev1.ConfigMap
	if err := direct.Get(ctx, key, &found); err != nil {
		return false, err
	}
	if maps.Equal(data, found.Data) {
		return false, nil
	}
	found.Data = data
	return true, writer.Update(ctx, &found)
}
