package discovery

import (
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// serving returns a running, monitored pod of an application named cache that serves metrics itself, and declares no port.
func serving(value string) *corev1.Pod {
	p := pod()
	p.Spec.Containers[0].Ports = nil
	p.Annotations = map[string]string{sidecars.ScrapeKey: value}
	return p
}

// served is the target that an endpoint of such a pod becomes.
func served(job, url string) Target {
	address, _, _ := strings.Cut(strings.SplitN(url, "://", 2)[1], "/")
	return Target{URL: url, Labels: map[string]string{
		"job": job, "instance": address, "namespace": "shop", "pod": "cache-0", "node": "node-a",
	}}
}

func TestEndpoints(t *testing.T) {
	at := func(port string) string { return "http://10.244.0.7:" + port }
	longest := strings.Repeat("a", 63) + "=https:65535/" + strings.Repeat("a", 127)
	for value, want := range map[string][]Target{
		"8080":                     {served("cache", at("8080/metrics"))},
		"8080/":                    {served("cache", at("8080/"))},
		"8080/stats":               {served("cache", at("8080/stats"))},
		"8080/a/../b/~c/-_./":      {served("cache", at("8080/a/../b/~c/-_./"))},
		"8080//evil":               {served("cache", at("8080//evil"))},
		"http:8080":                {served("cache", at("8080/metrics"))},
		"https:8443":               {served("cache", "https://10.244.0.7:8443/metrics")},
		"https:8443/metrics":       {served("cache", "https://10.244.0.7:8443/metrics")},
		"rabbitmq=15692":           {served("rabbitmq", at("15692/metrics"))},
		"a=https:8443/m":           {served("a", "https://10.244.0.7:8443/m")},
		"https=8080":               {served("https", at("8080/metrics"))},
		"9090=8080":                {served("9090", at("8080/metrics"))},
		"70000=8080/70000":         {served("70000", at("8080/70000"))},
		"app=8080,db=9100/m":       {served("app", at("8080/metrics")), served("db", at("9100/m"))},
		"8080,9090":                {served("cache", at("8080/metrics")), served("cache", at("9090/metrics"))},
		" a=1 , https:2/x ,c=3/y ": {served("a", at("1/metrics")), served("cache", "https://10.244.0.7:2/x"), served("c", at("3/y"))},
		"1,2,https:65535":          {served("cache", at("1/metrics")), served("cache", at("2/metrics")), served("cache", "https://10.244.0.7:65535/metrics")},
		"prometheus-shop=9090":     {served("prometheus-shop", at("9090/metrics"))},
		longest:                    {served(longest[:63], "https://10.244.0.7:65535/"+strings.Repeat("a", 127))},
		longest + ", " + longest[1:] + ", " + longest[2:]: {
			served(longest[:63], "https://10.244.0.7:65535/"+strings.Repeat("a", 127)),
			served(longest[1:63], "https://10.244.0.7:65535/"+strings.Repeat("a", 127)),
			served(longest[2:63], "https://10.244.0.7:65535/"+strings.Repeat("a", 127)),
		},

		// One job and one port are one target; under jobs of their own, two paths are two.
		"8080,8080":                   {served("cache", at("8080/metrics"))},
		"8080,https:8080,http:8080/x": {served("cache", at("8080/metrics"))},
		"8080/a,cache=8080/b":         {served("cache", at("8080/a"))},
		"a=8080,8080,a=8080/x":        {served("a", at("8080/metrics")), served("cache", at("8080/metrics"))},
		"a=8080,b=8080/x":             {served("a", at("8080/metrics")), served("b", at("8080/x"))},
		"a=1,b=2,b=2":                 {served("a", at("1/metrics")), served("b", at("2/metrics"))},
	} {
		t.Run(value, func(t *testing.T) {
			got, err := Targets(serving(value))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

// malformed are values that make no target at all, not even of an endpoint that is right in itself.
var malformed = []string{
	"", " ", ",", "8080,", ",8080", "8080,,9090", "1,2,3,4", "a=1,b=2,c=3,d=4",
	"0", "08080", "65536", "65540", "65600", "66000", "70000", "99999", "123456", "-1", "+1", "8080.5", "0x50", "a=99999", "https:65536/x", "8080, 65536",
	"8080/../../x?y", "8080/x?y=z", "8080/x#y", "8080/%2e", "8080/x y", "8080/x;y", "8080/" + strings.Repeat("a", 128),
	"8080@evil:1", "evil:8080", "evil.example", "//evil/x", "http://evil:80/x", "http:evil", "10.0.0.1:80", "[::1]:80", "evil/8080", "https://8080",
	"ftp:8080", "HTTPS:8443", "https:", "https:/x", "http:https:8080", "file:///etc/passwd", "unix:80",
	"x y=1", "x=", "=8080", "a==8080", "a=b=8080", "-a=1", "a-=1", "A=1", "a_b=1", "a.b=1", "ü=1", "$1=1", "${1}=1", "a;b=1", `a"=1`, "a'=1", strings.Repeat("a", 64) + "=1",
	"8080\n", "\n8080", "8080\n,9090", "8080,\n9090", "8080/x\nevil", "a\nb=8080", "8080\t", "8080\r\n", "8080\x00", "8080\u00a0", "8080\u2028", "８０８０",
	"8080;9090", "8080 9090", "80 80", "8080|9090", "8080, 9090 x", ".*", "(8080)", "$1",
	"8080" + strings.Repeat(" ", 10), strings.Repeat(" ", 10) + "8080", strings.Repeat("8080,", 1000) + "8080",
	// The jobs of the stack itself, which rules on the cluster rely on.
	"prometheus=1", "alertmanager=1", "node-exporter=1", "kube-state-metrics=1", "apiserver=1", "kubelet=1", "cadvisor=1", "kubelet-probes=1",
	"scheduler=1", "controller-manager=1", "kube-proxy=1", "grafana=1", "blackbox-exporter=1", "metrics-server=1", "probes=1",
	"outrider-controller=1", "outrider-exporters=1", "outrider-endpoints-2=1", "8080, prometheus=9090", "8080,prometheus=9090/x,a=1",
}

func TestMalformedEndpointsGiveNoTarget(t *testing.T) {
	for _, value := range malformed {
		if got, err := Targets(serving(value)); err != nil || len(got) > 0 {
			t.Errorf("%q: targets %v, error %v", value, got, err)
		}
		p := serving(value)
		if delete(p.Labels, sidecars.MonitoredKey); accepted(p) {
			t.Errorf("%q: the webhook accepts it", value)
		}
	}
}

func TestEndpointsOfPods(t *testing.T) {
	const value = "8080"
	one := []Target{served("cache", "http://10.244.0.7:8080/metrics")}
	as := func(job string) []Target { return []Target{served(job, "http://10.244.0.7:8080/metrics")} }
	for name, tc := range map[string]struct {
		edit func(*corev1.Pod)
		want []Target
	}{
		"port not declared": {func(*corev1.Pod) {}, one},
		"port declared":     {func(p *corev1.Pod) { p.Spec.Containers = []corev1.Container{container("app", "http", 8080)} }, one},
		"another declared":  {func(p *corev1.Pod) { p.Spec.Containers = []corev1.Container{container("app", "db", 6379)} }, one},
		"declared often": {func(p *corev1.Pod) {
			p.Spec.Containers = append(p.Spec.Containers, container("a", "http", 8080), container("b", "metrics", 9090), container("c", "", 0))
			p.Spec.Containers[1].Ports = append(p.Spec.Containers[1].Ports, corev1.ContainerPort{Name: "dns", ContainerPort: 8080, Protocol: corev1.ProtocolUDP})
			p.Spec.InitContainers = []corev1.Container{container("setup", "", 0), container("proxy", "http-2", 8081)}
		}, one},
		"beside an exporter": {func(p *corev1.Pod) {
			p.Spec.Containers = append(p.Spec.Containers, container("outrider-redis", "outrider-9121", 9121))
		}, append([]Target{want("redis", "10.244.0.7:9121")}, one...)},
		"IPv6":           {func(p *corev1.Pod) { p.Status.PodIP = "fd00::7" }, []Target{served("cache", "http://[fd00::7]:8080/metrics")}},
		"no address":     {func(p *corev1.Pod) { p.Status.PodIP = "" }, nil},
		"unlabeled":      {func(p *corev1.Pod) { delete(p.Labels, sidecars.MonitoredKey) }, nil},
		"no annotation":  {func(p *corev1.Pod) { p.Annotations = nil }, nil},
		"prometheus.io":  {func(p *corev1.Pod) { p.Annotations = map[string]string{"prometheus.io/scrape": "8080"} }, nil},
		"pending":        {func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }, one},
		"succeeded":      {func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }, nil},
		"failed":         {func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }, nil},
		"name and app":   {func(p *corev1.Pod) { p.Labels["app.kubernetes.io/name"] = "Shop_1.cache" }, as("Shop_1.cache")},
		"no name":        {func(p *corev1.Pod) { delete(p.Labels, "app") }, as("pods")},
		"empty name":     {func(p *corev1.Pod) { p.Labels["app"], p.Labels["app.kubernetes.io/name"] = "", "" }, as("pods")},
		"the stack's":    {func(p *corev1.Pod) { p.Labels["app.kubernetes.io/name"] = "kube-state-metrics" }, as("pods")},
		"our controller": {func(p *corev1.Pod) { p.Labels["app"] = "outrider-controller" }, as("pods")},
		"label named job": {func(p *corev1.Pod) {
			p.Labels["job"], p.Labels["namespace"], p.Labels["instance"] = "mine", "mine", "mine"
		}, one},
	} {
		t.Run(name, func(t *testing.T) {
			p := serving(value)
			tc.edit(p)
			got, err := Targets(p)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever the annotation says, a target is at the pod's own address, under a job that is a name, and only where the
// webhook would have accepted the value too; of an endpoint that stands there twice, which the webhook refuses and then
// does not label the pod for, the first is a target.
func FuzzEndpoints(f *testing.F) {
	for _, value := range append([]string{"8080", "a=8080/x, https:8443", "a=1,b=2,c=3", "8080,8080"}, malformed...) {
		f.Add(value)
	}
	name := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	f.Fuzz(func(t *testing.T, value string) {
		p := serving(value)
		targets, err := Targets(p)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, target := range targets {
			u, err := url.Parse(target.URL)
			if err != nil {
				t.Fatal(err)
			}
			port, err := strconv.Atoi(u.Port())
			if err != nil || port < 1 || port > 65535 || u.Hostname() != p.Status.PodIP || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path[0] != '/' {
				t.Errorf("%q: %s", value, target.URL)
			}
			ls := target.Labels
			if !name.MatchString(ls["job"]) || ls["instance"] != net.JoinHostPort(p.Status.PodIP, u.Port()) || ls["namespace"] != "shop" || ls["pod"] != "cache-0" || len(ls) != 5 {
				t.Errorf("%q: labels %v", value, ls)
			}
			if id := ls["job"] + " " + ls["instance"]; seen[id] {
				t.Errorf("%q: two targets are %s", value, id)
			} else {
				seen[id] = true
			}
		}
		delete(p.Labels, sidecars.MonitoredKey)
		if len(targets) > 0 && !accepted(p) && !repeats(value) {
			t.Errorf("%q: the webhook refuses it, and it makes targets %v", value, targets)
		}
	})
}

// repeats reports whether two endpoints have the same job and port.
func repeats(value string) bool {
	seen := map[string]bool{}
	for part := range strings.SplitSeq(value, ",") {
		part, _, _ = strings.Cut(strings.Trim(part, " "), "/")
		job, port, named := strings.Cut(part, "=")
		if !named {
			job, port = "", part
		}
		port = port[strings.LastIndexByte(port, ':')+1:]
		if seen[job+"="+port] {
			return true
		}
		seen[job+"="+port] = true
	}
	return false
}

// accepted reports whether the webhook makes the pod's endpoints known.
func accepted(p *corev1.Pod) bool {
	for _, d := range sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Decisions {
		if d.Key == sidecars.ScrapeKey && d.Outcome == sidecars.Discovered {
			return true
		}
	}
	return false
}
