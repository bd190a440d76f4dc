package certificates_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/cli"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/corpus"
)

// render changes the chart's manifests in two things. Nothing routes ClusterIPs here, so that the Services are
// ExternalNames, and the API server calls ports of localhost. And one of the two entries has failurePolicy Fail, so that
// one run tries both policies.
type render struct{ service *service }

// Run implements postrender.PostRenderer.
func (r render) Run(manifests *bytes.Buffer) (*bytes.Buffer, error) {
	objects, err := corpus.Decode(manifests.Bytes())
	if err != nil {
		return nil, err
	}
	ports := map[string]int{"outrider-webhook": portOf(r.service.address), "outrider-webhook-probe": portOf(r.service.probe)}
	out := &bytes.Buffer{}
	for _, object := range objects {
		name, _ := object["metadata"].(map[string]any)["name"].(string)
		switch object["kind"] {
		case "Service":
			if ports[name] != 0 {
				object["spec"] = map[string]any{"type": "ExternalName", "externalName": "localhost"}
			}
		case "MutatingWebhookConfiguration":
			for i, w := range object["webhooks"].([]any) {
				entry := w.(map[string]any)
				service := entry["clientConfig"].(map[string]any)["service"].(map[string]any)
				service["port"] = ports[service["name"].(string)]
				if i == 0 {
					entry["failurePolicy"] = "Fail"
				}
			}
		}
		raw, err := json.Marshal(object)
		if err != nil {
			return nil, err
		}
		if raw, err = yaml.JSONToYAML(raw); err != nil {
			return nil, err
		}
		out.WriteString("---\n")
		out.Write(raw)
	}
	return out, nil
}

func (e *env) helm(t *testing.T) *action.Configuration {
	t.Helper()
	settings := cli.New()
	settings.KubeConfig = e.server.Kubeconfig()
	settings.SetNamespace(releaseNamespace)
	cfg := &action.Configuration{}
	if err := cfg.Init(settings.RESTClientGetter(), releaseNamespace, "secret", func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// values are those of a release without Prometheus, with these for its certificates.
func (e *env) values(certs map[string]any) map[string]any {
	// What the API server decides without a call calls no webhook, and so proves nothing about its certificates.
	mode := cmp.Or(e.injection, "webhook")
	return map[string]any{"discovery": map[string]any{"mode": "none"}, "certs": certs, "webhook": map[string]any{"mode": mode}}
}

func (e *env) install(t *testing.T, certs map[string]any) {
	t.Helper()
	c, err := release.Chart()
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(e.helm(t))
	install.ReleaseName, install.Namespace, install.CreateNamespace = "outrider", releaseNamespace, true
	install.PostRenderer = render{e.service}
	if _, err := install.Run(c, e.values(certs)); err != nil {
		t.Fatal(err)
	}
}

func (e *env) upgrade(t *testing.T, certs map[string]any) {
	t.Helper()
	c, err := release.Chart()
	if err != nil {
		t.Fatal(err)
	}
	upgrade := action.NewUpgrade(e.helm(t))
	upgrade.Namespace, upgrade.PostRenderer = releaseNamespace, render{e.service}
	if _, err := upgrade.Run("outrider", c, e.values(certs)); err != nil {
		t.Fatal(err)
	}
}
