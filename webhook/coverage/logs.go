package coverage

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/outrider-dev/outrider/sidecars"
)

// What is read of an exporter's log.
const (
	lastLines = 20
	lastBytes = 8 << 10
)

func logClient(config *rest.Config) (rest.Interface, error) {
	config = rest.CopyConfig(config)
	config.GroupVersion, config.APIPath = &corev1.SchemeGroupVersion, "/api"
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	c, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("create a client for logs: %w", err)
	}
	return c, nil
}

// lastWords are the last lines of an exporter's own log, never of another
// container's. They may hold secrets: they are matched and forgotten.
func (c *Controller) lastWords(ctx context.Context, t target) (string, error) {
	lines, bytes := int64(lastLines), int64(lastBytes)
	raw, err := c.logs.Get().Namespace(t.namespace).Resource("pods").Name(t.pod).SubResource("log").
		VersionedParams(&corev1.PodLogOptions{Container: sidecars.ContainerPrefix + t.exporter, TailLines: &lines, LimitBytes: &bytes}, scheme.ParameterCodec).
		Do(ctx).Raw()
	return string(raw), err
}
