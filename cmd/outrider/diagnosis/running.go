package diagnosis

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/cmd/outrider/internal/forward"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// permission is something that the controller may or may not do.
type permission struct {
	group, resource, name, verb string
	want                        bool
}

// permissions asks what the controller's ServiceAccount may do.
func permissions(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "permissions"
	account := p.installation.fullname + "-controller"
	good := true
	configure := "patch"
	if p.installation.config.Annotations["cert-manager.io/inject-ca-from"] != "" {
		configure = "get" // cert-manager writes the caBundle
	}
	for _, need := range []permission{
		{"admissionregistration.k8s.io", "mutatingwebhookconfigurations", p.installation.config.Name, configure, p.installation.service != ""},
		{v1alpha1.GroupVersion.Group, "exporters", "", "list", true},
		{"", "secrets", "", "list", false},
		{"", "secrets", "", "get", false},
	} {
		review, err := p.Client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{
				User:   "system:serviceaccount:" + p.installation.namespace + ":" + account,
				Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + p.installation.namespace, "system:authenticated"},
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Group: need.group, Resource: need.resource, Name: need.name, Verb: need.verb,
				},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			found(warn(name, "", "the controller's permissions cannot be asked for: %v", err))
			return true
		}
		if review.Status.Allowed == need.want {
			continue
		}
		good = false
		if need.want {
			found(fail(name, restore, "the controller may not %s %s", need.verb, need.resource))
		} else {
			found(warn(name, "Some role of your own allows it; Outrider does not need it.", "the controller may %s %s", need.verb, need.resource))
		}
	}
	if good {
		found(pass(name, "the controller may do what it must, and cannot read Secrets"))
	}
	return true
}

// exporters looks for custom definitions that are not in force.
func exporters(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "Exporters"
	raw, err := p.Client.Discovery().RESTClient().Get().AbsPath("/apis", v1alpha1.GroupVersion.String(), "exporters").DoRaw(ctx)
	if apierrors.IsNotFound(err) {
		return true // said before
	}
	var list v1alpha1.ExporterList
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil {
		found(warn(name, "", "they cannot be listed: %v", err))
		return true
	}
	bad := 0
	for i := range list.Items {
		for _, c := range list.Items[i].Status.Conditions {
			if c.Type == "Ready" && c.Status != metav1.ConditionTrue {
				bad++
				found(fail(name, "kubectl describe exporter "+list.Items[i].Name, "%s is not in force: %s", list.Items[i].Name, c.Message))
			}
		}
	}
	if bad == 0 {
		found(pass(name, "%d custom ones, all in force", len(list.Items)))
	}
	return true
}

// prometheus asks the release's own Prometheus what it scrapes.
func prometheus(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "Prometheus"
	pods, err := p.Client.CoreV1().Pods(p.installation.namespace).List(ctx, metav1.ListOptions{
		LabelSelector: Own + ",app.kubernetes.io/component=prometheus",
	})
	if err != nil {
		found(warn(name, "", "its pods cannot be listed: %v", err))
		return true
	}
	if len(pods.Items) == 0 {
		found(pass(name, "there is none of ours: discovery.mode is not bundled"))
		return true
	}
	pod := pods.Items[0].Name
	look := fmt.Sprintf("kubectl -n %s port-forward pod/%s 9090, then http://localhost:9090/targets", p.installation.namespace, pod)
	raw, code, err := forward.Get(ctx, p.Config, p.Client, p.installation.namespace, pod, 9090, "/api/v1/query?query=up")
	switch {
	case err != nil:
		found(fail(name, fmt.Sprintf("kubectl -n %s describe pod %s", p.installation.namespace, pod), "it does not answer: %v", err))
		return true
	case code == http.StatusUnauthorized || code == http.StatusBadRequest && len(raw) < 100:
		found(warn(name, look, "it asks for a login or TLS: its targets cannot be looked at from here"))
		return true
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
				Value  [2]any            `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		found(fail(name, look, "its answer cannot be read: %v", err))
		return true
	}
	var down []string
	for _, r := range answer.Data.Result {
		if r.Value[1] != "1" {
			down = append(down, r.Metric["job"]+" "+r.Metric["instance"])
		}
	}
	switch {
	case len(answer.Data.Result) == 0:
		found(fail(name, look, "it scrapes nothing"))
	case len(down) > 0:
		found(warn(name, look, "%d of %d targets are down: %s", len(down), len(answer.Data.Result), strings.Join(down[:min(len(down), 5)], ", ")))
	default:
		found(pass(name, "all %d targets are up", len(answer.Data.Result)))
	}
	return true
}
