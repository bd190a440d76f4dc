package apiserver_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/kube"
)

// previous is the chart that came before, packed as it was.
const previous = "testdata/outrider-0.1.0.tgz"

// TestUpgradeFromThePreviousChart upgrades a release of the previous chart and takes it away: the upgrade keeps what
// holds samples, and nothing stays behind.
func TestUpgradeFromThePreviousChart(t *testing.T) {
	server, c := ownServer(t)
	h := helm{kubeconfig: server.Kubeconfig(), namespace: "outrider"}
	values := map[string]any{
		"crds":       map[string]any{"keep": false},
		"prometheus": map[string]any{"persistence": map[string]any{"mode": "claim"}},
	}
	old, err := loader.Load(previous)
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(h.configuration(t))
	install.ReleaseName, install.Namespace, install.CreateNamespace = "outrider", h.namespace, true
	if _, err := install.Run(old, values); err != nil {
		t.Fatal(err)
	}
	leads(t, c, h.namespace, "outrider-controller") // as its controller did
	before := prometheusSet(t, c, h.namespace)
	trusts(t, c, "outrider", []byte("of the controller\n"))

	current, err := release.Chart()
	if err != nil {
		t.Fatal(err)
	}
	upgrade := action.NewUpgrade(h.configuration(t))
	upgrade.Namespace = h.namespace
	if _, err := upgrade.Run("outrider", current, values); err != nil {
		t.Fatalf("upgrade from %s: %v", previous, err)
	}
	if diff := cmp.Diff(map[string][]string{"00-outrider": {"of the controller\n"}}, bundles(t, c)); diff != "" {
		t.Errorf("caBundles after the upgrade (-want +got):\n%s", diff)
	}
	after := prometheusSet(t, c, h.namespace)
	if before.UID != after.UID {
		t.Error("the upgrade made a new StatefulSet")
	}
	if diff := cmp.Diff(before.Spec.VolumeClaimTemplates[0].Spec, after.Spec.VolumeClaimTemplates[0].Spec); diff != "" {
		t.Errorf("the claim of the samples (-before +after):\n%s", diff)
	}
	data := func(s *appsv1.StatefulSet) string {
		mounts := s.Spec.Template.Spec.Containers[0].VolumeMounts
		return mounts[slices.IndexFunc(mounts, func(m corev1.VolumeMount) bool { return m.Name == "data" })].MountPath
	}
	if data(before) != data(after) {
		t.Errorf("samples were in %s and are looked for in %s", data(before), data(after))
	}

	if err := c.CoordinationV1().Leases(h.namespace).Delete(t.Context(), "outrider-controller", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	h.uninstall(t)
	eventually(t, func() string { return cmp.Diff([]string(nil), left(t, server, h.namespace)) })
}

// trusts writes a caBundle into every entry of a configuration, as the controller does.
func trusts(t *testing.T, c kubernetes.Interface, name string, bundle []byte) {
	t.Helper()
	configs := c.AdmissionregistrationV1().MutatingWebhookConfigurations()
	config, err := configs.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range config.Webhooks {
		config.Webhooks[i].ClientConfig.CABundle = bundle
	}
	must(t)(configs.Update(t.Context(), config, metav1.UpdateOptions{FieldManager: "controller"}))
}

// bundles are the different caBundles of entries for pods, of each webhook configuration.
func bundles(t *testing.T, c kubernetes.Interface) map[string][]string {
	t.Helper()
	list, err := c.AdmissionregistrationV1().MutatingWebhookConfigurations().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, config := range list.Items {
		for _, w := range config.Webhooks {
			if slices.Contains(w.Rules[0].Resources, "pods") {
				all[config.Name] = append(all[config.Name], string(w.ClientConfig.CABundle))
			}
		}
		all[config.Name] = slices.Compact(all[config.Name])
	}
	return all
}

// leads makes a Lease as client-go does.
func leads(t *testing.T, c kubernetes.Interface, namespace, name string) {
	t.Helper()
	holder, seconds := "pod-a", int32(15)
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds},
	}
	if _, err := c.CoordinationV1().Leases(namespace).Create(t.Context(), lease, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func prometheusSet(t *testing.T, c kubernetes.Interface, namespace string) *appsv1.StatefulSet {
	t.Helper()
	s, err := c.AppsV1().StatefulSets(namespace).Get(t.Context(), "outrider-prometheus", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// left are the objects of the release's namespace, and those of the cluster that carry the release's label.
func left(t *testing.T, server *kube.APIServer, namespace string) (found []string) {
	t.Helper()
	config := rest.CopyConfig(server.Config())
	config.WarningHandler = rest.NoWarnings{} // about kinds that nobody uses any more
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	lists, err := asked.ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if !slices.Contains(r.Verbs, "list") || r.Name == "events" { // the API server's own, which pass
				continue
			}
			all, err := objects.Resource(version.WithResource(r.Name)).List(t.Context(), metav1.ListOptions{})
			if apierrors.IsNotFound(err) {
				continue // it went between the two questions
			}
			if err != nil {
				t.Fatalf("list %s: %v", r.Name, err)
			}
			for _, o := range all.Items {
				if o.GetNamespace() == namespace || o.GetLabels()["app.kubernetes.io/instance"] == "outrider" {
					found = append(found, r.Name+"/"+o.GetName())
				}
			}
		}
	}
	return found
}
