package enforcement_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	runtimeclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/webhook"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// keep has the parameters written as the controller does on that day, and waits until the policy goes by them.
func keep(t *testing.T, day string) {
	t.Helper()
	injecting(t)() // the permissions and the object are as the chart says
	now, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	c, err := runtimeclient.New(api.Config(), runtimeclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := &webhook.Policies{Namespace: releaseNamespace, Name: parameters, Exporters: decider.NewExporters(sidecars.Builtin(), prometheus.NewRegistry()), Now: func() time.Time { return now.Add(23 * time.Hour) }}
	if _, err := e.Keep(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	before, after := now.AddDate(0, 0, -1).Format(time.DateOnly), day
	ns := namespace(t, sidecars.EnforceDeny, sidecars.Namespace{})
	eventually(t, func() string {
		ended := create(t, ns, redis(sidecars.ExemptKey, "until "+before+": x"))
		holds := create(t, ns, redis(sidecars.ExemptKey, "until "+after+": x"))
		if ended.what != "denied" || holds.what != "allowed" {
			return fmt.Sprintf("on %s: until %s is %s, until %s is %s", day, before, ended, after, holds)
		}
		return ""
	})
}

func TestExemptionsEnd(t *testing.T) {
	keep(t, "2031-05-04")
	ns := namespace(t, sidecars.EnforceDeny, sidecars.Namespace{})
	for value, want := range map[string]string{
		"a reason":                 "allowed",
		"until further notice":     "denied", // it begins like a date
		"until 2031-05-04: reason": "allowed",
		"until 2031-05-03: reason": "denied",
		"until 2031-13-04: reason": "denied",
		"until 2031-06-01:":        "denied",
		" ":                        "denied",
	} {
		if got := create(t, ns, redis(sidecars.ExemptKey, value)); got.what != want {
			t.Errorf("%q: %s, want it %s", value, got, want)
		}
	}
	ended := create(t, ns, redis(sidecars.ExemptKey, "until 2031-05-03: reason"))
	if !strings.HasSuffix(ended.said, "(the exemption ended on 2031-05-03)") {
		t.Errorf("said: %s", ended.said)
	}
	used := create(t, ns, redis(sidecars.ExemptKey, "until 2031-05-04: reason"))
	if got, want := audited(t)[used.id]["outrider-enforcement/exempt"], "redis: until 2031-05-04: reason"; got != want {
		t.Errorf("the audit log says %q of the exemption, want %q", got, want)
	}
	keep(t, "2031-05-05") // the day after
	if got := create(t, ns, redis(sidecars.ExemptKey, "until 2031-05-04: reason")); got.what != "denied" {
		t.Errorf("a day later: %s", got)
	}
}

// TestWhatCountsAsInstrumented is about pods that nobody decided for.
func TestWhatCountsAsInstrumented(t *testing.T) {
	injecting(t)()
	ns, in := namespace(t, sidecars.EnforceDeny, sidecars.Namespace{}), namespace(t, sidecars.EnforceDeny, optedIn)
	with := func(p *corev1.Pod, change func(*corev1.Pod)) *corev1.Pod { change(p); return p }
	beside := func(name, image string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: name, Image: image})
		}
	}
	status := func(outcome sidecars.Outcome, reason sidecars.Reason) string {
		raw, err := json.Marshal(sidecars.Status{Decisions: []sidecars.Decision{{Exporter: "redis", Outcome: outcome, Reason: reason, Message: `so "said"`}}})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for name, tc := range map[string]struct {
		in   string
		pod  *corev1.Pod
		want string
	}{
		"nothing":                       {ns, redis(), "denied"},
		"our exporter":                  {ns, with(redis(), beside("outrider-redis", "x")), "allowed"},
		"another of ours":               {ns, with(redis(), beside("outrider-nginx", "x")), "denied"},
		"an exporter of its own":        {ns, with(redis(), beside("metrics", "quay.io/oliver006/redis_exporter:v1")), "allowed"},
		"a native sidecar":              {ns, with(redis(), func(p *corev1.Pod) { p.Spec.InitContainers = []corev1.Container{{Name: "outrider-redis", Image: "x"}} }), "allowed"},
		"scraped":                       {ns, redis(sidecars.ScrapeKey, "8080/x,9090"), "allowed"},
		"scraped, but not understood":   {ns, redis(sidecars.ScrapeKey, "eighty"), "denied"},
		"opted out":                     {ns, redis(sidecars.InjectKey, "false"), "denied"},
		"opted out of its namespace":    {in, redis(sidecars.InjectKey, "false"), "denied"},
		"asked, and nobody answered":    {ns, redis(sidecars.InjectKey, "auto"), "warned"},
		"opted in, and nobody answered": {in, redis(), "warned"},
		"asked for another":             {ns, redis(sidecars.InjectKey, "nginx"), "denied"},
		"refused":                       {ns, redis(sidecars.InjectKey, "redis", sidecars.StatusKey, status(sidecars.Refused, sidecars.PortCollision)), "denied"},
		"refused, by its namespace":     {in, redis(sidecars.StatusKey, status(sidecars.Refused, sidecars.OverBudget)), "denied"},
		"suspended":                     {ns, redis(sidecars.InjectKey, "redis", sidecars.StatusKey, status(sidecars.Refused, "Suspended")), "warned"},
		"skipped":                       {ns, redis(sidecars.InjectKey, "redis", sidecars.StatusKey, status(sidecars.Skipped, sidecars.OncePerSet)), "allowed"},
		"injected, but it is not there": {ns, redis(sidecars.InjectKey, "redis", sidecars.StatusKey, status(sidecars.Injected, sidecars.Annotated)), "warned"},
		"native, and not made known":    {ns, with(redis(), func(p *corev1.Pod) { p.Spec.Containers[0].Image = "rabbitmq" }), "denied"},
		"native, and made known": {ns, with(redis(), func(p *corev1.Pod) {
			p.Spec.Containers[0].Image = "rabbitmq"
			p.Labels = map[string]string{sidecars.MonitoredKey: "true"}
		}), "allowed"},
		"the label alone makes no redis": {ns, with(redis(), func(p *corev1.Pod) { p.Labels = map[string]string{sidecars.MonitoredKey: "true"} }), "denied"},
	} {
		if got := create(t, tc.in, tc.pod); got.what != tc.want {
			t.Errorf("%s: %s, want it %s", name, got, tc.want)
		} else if tc.want == "denied" && strings.HasPrefix(name, "refused") && !strings.Contains(got.said, `which was refused: so "said", or `) {
			t.Errorf("%s: the reason is not in: %s", name, got.said)
		}
	}
}

// TestNamespacesListsCount: what a namespace leaves out of recognition is not asked of its pods.
func TestNamespacesListsCount(t *testing.T) {
	injecting(t)()
	lists := func(key, value string) string {
		return namespace(t, sidecars.EnforceDeny, sidecars.Namespace{Annotations: map[string]string{key: value}})
	}
	for _, tc := range []struct{ key, value, want string }{
		{sidecars.DenyKey, "mysql, redis", "allowed"},
		{sidecars.DenyKey, "mysql", "denied"},
		{sidecars.AllowKey, "mysql", "allowed"},
		{sidecars.AllowKey, "mysql,redis", "denied"},
		{sidecars.AllowKey, ",", "denied"},
	} {
		if got := create(t, lists(tc.key, tc.value), redis()); got.what != tc.want {
			t.Errorf("%s: %q: %s, want it %s", tc.key, tc.value, got, tc.want)
		}
	}
}

// TestOnlyTemplatesThatChangeAreJudged stores a Deployment, has its namespace enforce, and changes it.
func TestOnlyTemplatesThatChangeAreJudged(t *testing.T) {
	injecting(t)()
	ctx := t.Context()
	ns, err := client(t).CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "later-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	app := map[string]string{"app": "cache"}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "cache"},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: app}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: app}, Spec: redis().Spec,
		}},
	}
	config := api.Config()
	var warnings heard
	config.WarningHandlerWithContext = &warnings
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	deployments := c.AppsV1().Deployments(ns.Name)
	if _, err = deployments.Create(ctx, d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	patch := func(what, subresource, body string, warned bool) {
		t.Helper()
		warnings = nil
		if _, err := deployments.Patch(ctx, "cache", types.MergePatchType, []byte(body), metav1.PatchOptions{}, strings.Fields(subresource)...); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got := strings.Contains(strings.Join(warnings, ""), "no exporter for redis"); got != warned {
			t.Errorf("%s: warned is %t, want %t: %q", what, got, warned, warnings)
		}
	}
	patch("not enforced", "", `{"spec": {"template": {"metadata": {"annotations": {"a": "1"}}}}}`, false)
	if _, err := c.CoreV1().Namespaces().Patch(ctx, ns.Name, types.MergePatchType, []byte(`{"metadata": {"labels": {"outrider.dev/enforce": "warn"}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string { // until the API server's admission knows the label
		warnings = nil
		if _, err := deployments.Create(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "other"}, Spec: d.Spec}, metav1.CreateOptions{DryRun: []string{"All"}}); err != nil {
			return err.Error()
		}
		if len(warnings) == 0 {
			return "a Deployment is created without a warning"
		}
		return ""
	})
	patch("the template", "", `{"spec": {"template": {"metadata": {"annotations": {"a": "2"}}}}}`, true)
	patch("replicas", "", `{"spec": {"replicas": 3}}`, false)
	patch("its own annotations", "", `{"metadata": {"annotations": {"a": "2"}}}`, false)
	patch("scale", "scale", `{"spec": {"replicas": 2}}`, false)
	patch("status", "status", `{"status": {"replicas": 2}}`, false)
	patch("instrumented", "", `{"spec": {"template": {"metadata": {"annotations": {"outrider.dev/inject": "redis"}}}}}`, false)
}

// TestMadeByAController: a ReplicaSet of a Deployment is judged as that, and as pods.
func TestMadeByAController(t *testing.T) {
	injecting(t)()
	ns := namespace(t, sidecars.EnforceDeny, sidecars.Namespace{})
	app, yes := map[string]string{"app": "cache"}, true
	rs := &appsv1.ReplicaSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ReplicaSet"},
		ObjectMeta: metav1.ObjectMeta{Name: "cache"},
		Spec: appsv1.ReplicaSetSpec{Selector: &metav1.LabelSelector{MatchLabels: app}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: app}, Spec: redis().Spec,
		}},
	}
	if got := create(t, ns, rs); got.what != "denied" || !strings.Contains(got.said, "to the pod template,") {
		t.Errorf("a user's: %s", got)
	}
	rs.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "cache", UID: "u", Controller: &yes}}
	if got := create(t, ns, rs); got.what != "allowed" {
		t.Errorf("a Deployment's: %s", got)
	}
}

// TestLargePods: an evaluation over its budget would let the pod through.
func TestLargePods(t *testing.T) {
	injecting(t)()
	ns := namespace(t, sidecars.EnforceDeny, sidecars.Namespace{})
	script := "set -eu; " + strings.Repeat("export A=\"$(cat /etc/hostname)\" && echo starting | tee /tmp/log; ", 15) + "exec redis-server /etc/redis.conf"
	large := func(change func(*corev1.Container)) *corev1.Pod {
		p := redis()
		p.Spec.Containers = nil
		for i := range 200 {
			c := corev1.Container{Name: fmt.Sprintf("c%d", i), Image: "registry.example.org:5000/a/rather/long/path/of/an/image/redis:7.2.4-bookworm"}
			change(&c)
			p.Spec.Containers = append(p.Spec.Containers, c)
		}
		return p
	}
	for name, pod := range map[string]*corev1.Pod{
		"bare": large(func(*corev1.Container) {}),
		"args": large(func(c *corev1.Container) {
			c.Args = []string{"redis-server", "--port", "7000", "--maxmemory", "100mb", "--save", ""}
		}),
		"ports": large(func(c *corev1.Container) {
			c.Image, c.Ports = "corp/store", []corev1.ContainerPort{{Name: "redis", ContainerPort: 6379}, {ContainerPort: 80}}
		}),
		"one last": large(func(c *corev1.Container) {
			if c.Name != "c199" {
				c.Image = "registry.example.org/some/application:1"
			}
		}),
		"ten long scripts": large(func(c *corev1.Container) {
			if !strings.HasSuffix(c.Name, "7") || len(c.Name) > 3 {
				c.Image = "registry.example.org/some/application:1"
			}
			c.Command = []string{"/bin/sh", "-c", script}
		}),
	} {
		want := "denied"
		if name == "ten long scripts" {
			want = "allowed" // beyond the cost that the API server grants; the policy then lets the pod pass
		}
		if got := create(t, ns, pod); got.what != want {
			t.Errorf("%s: %s, want it %s", name, got, want)
		}
	}
}

// TestExcludedNamespaces: neither Outrider's own namespace nor those that the chart excludes enforce anything.
func TestExcludedNamespaces(t *testing.T) {
	injecting(t)()
	for _, ns := range []string{releaseNamespace, metav1.NamespaceSystem} {
		if _, err := client(t).CoreV1().Namespaces().Patch(t.Context(), ns, types.MergePatchType, []byte(`{"metadata": {"labels": {"outrider.dev/enforce": "deny"}}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := create(t, ns, redis()); got.what != "allowed" {
			t.Errorf("%s: %s", ns, got)
		}
	}
	mirror := redis("kubernetes.io/config.mirror", "x")
	mirror.Spec.NodeName = "node"
	if got := create(t, namespace(t, sidecars.EnforceDeny, sidecars.Namespace{}), mirror); got.what != "allowed" {
		t.Errorf("a mirror of a static pod: %s", got)
	}
}

// TestNamespacesAreAnswered: a label or an annotation that means nothing is reported to its author.
func TestNamespacesAreAnswered(t *testing.T) {
	client(t)
	config := api.Config()
	var warnings heard
	config.WarningHandlerWithContext = &warnings
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string { // until the policy is in force
		warnings = nil
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "answered-", Labels: map[string]string{"outrider.dev/inject": "true"}}}
		if _, err := c.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{DryRun: []string{"All"}}); err != nil || len(warnings) == 0 {
			return fmt.Sprintf("nothing is said: %v", err)
		}
		return ""
	})
	for _, tc := range []struct {
		labels, annotations map[string]string
		want                string
	}{
		{map[string]string{"outrider.dev/inject": "enabled", "outrider.dev/enforce": "deny"}, map[string]string{"outrider.dev/allow": "x", "outrider.dev/deny": "y", "outrider.dev/budget": "50000", "redis.outrider.dev/port": "1"}, ""},
		{map[string]string{"outrider.dev/inject": "true"}, nil, "outrider.dev/inject: true means nothing; write enabled"},
		{map[string]string{"outrider.dev/enforce": "Deny"}, nil, "outrider.dev/enforce: Deny means nothing; write audit, warn or deny"},
		{map[string]string{"outrider.dev/injct": "enabled"}, nil, "outrider.dev/injct: no such label"},
		{nil, map[string]string{"outrider.dev/inject": "enabled"}, "outrider.dev/inject: no such annotation"},
		{nil, map[string]string{"outrider.dev/budget": "50k"}, "outrider.dev/budget: 50k is no number of series"},
		{nil, map[string]string{"outrider.dev/budget": "0"}, "outrider.dev/budget: 0 is no number of series"},
	} {
		warnings = nil
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "answered-", Labels: tc.labels, Annotations: tc.annotations}}
		if _, err := c.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{DryRun: []string{"All"}}); err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(warnings, "\n"); (tc.want == "") != (said == "") || !strings.Contains(said, tc.want) {
			t.Errorf("%v %v: said %q, want %q", tc.labels, tc.annotations, said, tc.want)
		}
	}
}

// TestKeysOfNamespacesAreThoseOfTheTable compares the chart's lists with the table of keys.
func TestKeysOfNamespacesAreThoseOfTheTable(t *testing.T) {
	objects, err := manifest.Rendered(release.Release{}, nil, "1.37.0")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(objects, func(o map[string]any) bool {
		return o["kind"] == "ValidatingAdmissionPolicy" && o["metadata"].(map[string]any)["name"] == "outrider-namespaces"
	})
	if i < 0 {
		t.Fatal("there is no policy for namespaces")
	}
	raw, err := json.Marshal(objects[i]["spec"])
	if err != nil {
		t.Fatal(err)
	}
	missing := []string{}
	for _, k := range sidecars.Keys() {
		known := strings.HasPrefix(k.Name, sidecars.Domain+"/") && (k.Place == sidecars.NamespaceLabel || k.Place == sidecars.NamespaceAnnotation)
		if known && !strings.Contains(string(raw), "'"+k.Name+"'") {
			missing = append(missing, k.Name)
		}
	}
	if diff := cmp.Diff([]string{}, missing); diff != "" {
		t.Errorf("the chart's policy does not know (-want +got):\n%s", diff)
	}
}
