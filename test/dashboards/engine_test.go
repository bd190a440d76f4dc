package dashboards

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/outrider-dev/outrider/test/metrics"
)

// targetsOf calls check for each query of each built panel, with its variables filled in.
func targetsOf(t *testing.T, check func(where string, p Panel, target Target, query string)) {
	t.Helper()
	for _, d := range definitions(t) {
		m, err := d.Model()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Panels {
			for _, target := range p.Targets {
				query, err := fill(target.Expr, chosenIn(m))
				if err != nil {
					t.Fatal(err)
				}
				check(d.Name+", panel "+p.Title+", query "+target.RefID, p, target, query)
			}
		}
	}
}

// TestNothingOfNothing holds that no query gives a value where no series is: a green 0 for what nobody measures.
func TestNothingOfNothing(t *testing.T) {
	n := 0
	targetsOf(t, func(where string, _ Panel, _ Target, query string) {
		n++
		if got := (&store{}).ask(t, query); len(got) > 0 {
			t.Errorf("%s gives %v of nothing:\n%s", where, got, query)
		}
	})
	t.Logf("%d queries", n)
}

// TestTwins holds that each query gives something where its series are, and that two pods of one name, in two namespaces of
// two clusters, are not drawn as one: no two series have the same legend.
func TestTwins(t *testing.T) {
	known, err := metrics.All()
	if err != nil {
		t.Fatal(err)
	}
	targetsOf(t, func(where string, p Panel, target Target, query string) {
		got := fixture(t, query, known).ask(t, query)
		if len(got) == 0 {
			t.Errorf("%s gives nothing:\n%s", where, query)
		}
		if p.Type != "timeseries" {
			return
		}
		drawn := map[string]string{}
		for _, s := range got {
			text := target.LegendFormat
			s.Metric.Range(func(l labels.Label) { text = strings.ReplaceAll(text, "{{"+l.Name+"}}", l.Value) })
			if other, ok := drawn[text]; ok {
				t.Errorf("%s: %s and %s are both drawn as %q:\n%s", where, other, s.Metric, text, query)
			}
			drawn[text] = s.Metric.String()
		}
	})
}

// situations are what panels have said wrongly; series as promtool's tests write them.
var situations = []struct {
	name, dashboard, panel, query string
	series                        []string
	want                          []string
}{
	{"two pods of one name", "redis", "Keys", "A", []string{
		`redis_db_keys{job="redis",namespace="shop",pod="redis-0",db="db0"} 10x90`,
		`redis_db_keys{job="redis",namespace="staging",pod="redis-0",db="db0"} 1000x90`,
	}, []string{`{db="db0", namespace="shop", pod="redis-0"} => 10`, `{db="db0", namespace="staging", pod="redis-0"} => 1000`}},
	{"one pod name in two clusters", "redis", "Keys", "A", []string{
		`redis_db_keys{cluster="east",job="redis",namespace="shop",pod="redis-0",db="db0"} 10x90`,
		`redis_db_keys{cluster="west",job="redis",namespace="shop",pod="redis-0",db="db0"} 1000x90`,
	}, []string{`{cluster="east", db="db0", namespace="shop", pod="redis-0"} => 10`, `{cluster="west", db="db0", namespace="shop", pod="redis-0"} => 1000`}},
	{"an exporter that is not scraped", "redis", "Servers down", "A", []string{`up{job="redis",namespace="shop",pod="redis-0"} 0x90`}, nil},
	{"all servers up", "redis", "Servers down", "A", []string{`redis_up{job="redis",namespace="shop",pod="redis-0"} 1x90`}, []string{`{} => 0`}},
	{"one server of two down", "redis", "Servers down", "A", []string{
		`redis_up{job="redis",namespace="shop",pod="redis-0"} 1x90`, `redis_up{job="redis",namespace="shop",pod="redis-1"} 0x90`,
	}, []string{`{} => 1`}},
	{"no controller runs", "outrider", "Pods missed", "A", []string{`up{job="redis",namespace="shop",pod="redis-0"} 0x90`}, nil},
	{"nothing is missed", "outrider", "Pods missed", "A", []string{
		`outrider_coverage_pods{job="outrider-controller",namespace="shop",exporter="redis",state="missed"} 0x90`,
	}, []string{`{} => 0`}},
	{"pods that have ended", "cluster", "Use and requests", "C", ended, []string{`{namespace="shop"} => 1`}},
	{"pods that have ended, of a namespace", "workload", "CPU against requests", "B", ended, []string{`{} => 1`}},
	{"a pod that has ended in one cluster and runs in another", "cluster", "Use and requests", "C", []string{
		`kube_pod_container_resource_requests{cluster="east",namespace="shop",pod="job-1",container="c",resource="cpu"} 4x90`,
		`kube_pod_container_resource_requests{cluster="west",namespace="shop",pod="job-1",container="c",resource="cpu"} 4x90`,
		`kube_pod_status_phase{cluster="east",namespace="shop",pod="job-1",phase="Succeeded"} 1x90`,
		`kube_pod_status_phase{cluster="west",namespace="shop",pod="job-1",phase="Running"} 1x90`,
	}, []string{`{cluster="west", namespace="shop"} => 4`}},
	{"pods that have ended, in the total", "cluster", "CPU", "B", ended, []string{`{} => 1`}},
	{"pods that have ended, beside two kube-state-metrics", "cluster", "CPU", "B", append(twice(`kube_pod_container_resource_requests{namespace="shop",pod="api",container="c",resource="cpu"} 1x90`),
		twice(`kube_pod_status_phase{namespace="shop",pod="api",phase="Running"} 1x90`)...), []string{`{} => 1`}},
	{"a container that restarted, under two jobs", "cluster", "Memory by namespace", "A", []string{
		`container_memory_working_set_bytes{job="cadvisor",namespace="shop",pod="api",container="c",id="/a"} 100x90`,
		`container_memory_working_set_bytes{job="cadvisor",namespace="shop",pod="api",container="c",id="/b"} 80x90`,
		`container_memory_working_set_bytes{job="kubelet",namespace="shop",pod="api",container="c",id="/b"} 80x90`,
		`container_memory_working_set_bytes{job="cadvisor",namespace="shop",pod="api",container="sidecar",id="/c"} 7x90`,
	}, []string{`{namespace="shop"} => 107`}},
	{"pods in the host's network", "cluster", "Network by namespace", "A", []string{
		`container_network_receive_bytes_total{namespace="kube-system",pod="kube-proxy-a",interface="eth0"} 0+600e6x90`,
		`container_network_transmit_bytes_total{namespace="kube-system",pod="kube-proxy-a",interface="eth0"} 0+600e6x90`,
		`container_network_receive_bytes_total{namespace="kube-system",pod="cni-a",interface="eth0"} 0+600e6x90`,
		`container_network_transmit_bytes_total{namespace="kube-system",pod="cni-a",interface="eth0"} 0+600e6x90`,
		`kube_pod_info{job="kube-state-metrics",namespace="kube-system",pod="kube-proxy-a",host_network="true"} 1x90`,
	}, nil},
	{"pods in the host's network, of a namespace", "workload", "Received", "A", []string{
		`container_network_receive_bytes_total{namespace="shop",pod="proxy-a",interface="eth0"} 0+600e6x90`,
		`container_network_receive_bytes_total{namespace="shop",pod="api",interface="eth0"} 0+60x90`,
		`kube_pod_info{job="kube-state-metrics",namespace="shop",pod="proxy-a",host_network="true"} 1x90`,
		`kube_pod_info{job="kube-state-metrics",namespace="shop",pod="api",host_network="false"} 1x90`,
	}, []string{`{namespace="shop", pod="api"} => 1`}},
	{"a pod of one name in the host's network of another cluster", "cluster", "Network by namespace", "A", []string{
		`container_network_receive_bytes_total{cluster="east",namespace="shop",pod="api",interface="eth0"} 0+60x90`,
		`container_network_transmit_bytes_total{cluster="east",namespace="shop",pod="api",interface="eth0"} 0+60x90`,
		`container_network_receive_bytes_total{cluster="west",namespace="shop",pod="api",interface="eth0"} 0+600e6x90`,
		`container_network_transmit_bytes_total{cluster="west",namespace="shop",pod="api",interface="eth0"} 0+600e6x90`,
		`kube_pod_info{cluster="east",job="kube-state-metrics",namespace="shop",pod="api",host_network="false"} 1x90`,
		`kube_pod_info{cluster="west",job="kube-state-metrics",namespace="shop",pod="api",host_network="true"} 1x90`,
	}, []string{`{cluster="east", namespace="shop"} => 2`}},
	{"pods in a network of their own", "cluster", "Network by namespace", "A", []string{
		`container_network_receive_bytes_total{namespace="shop",pod="api",interface="eth0"} 0+60x90`,
		`container_network_transmit_bytes_total{namespace="shop",pod="api",interface="eth0"} 0+60x90`,
		`kube_pod_info{job="kube-state-metrics",namespace="shop",pod="api",host_network="false"} 1x90`,
	}, []string{`{namespace="shop"} => 2`}},
	{"nothing fires, and the watchdog does", "cluster", "Alerts firing", "A", []string{`ALERTS{alertname="Watchdog",alertstate="firing"} 1x90`}, []string{`{} => 0`}},
	{"an alert fires", "cluster", "Alerts firing", "A", []string{
		`ALERTS{alertname="Watchdog",alertstate="firing"} 1x90`, `ALERTS{alertname="RedisDown",alertstate="firing"} 1x90`,
	}, []string{`{} => 1`}},
	{"a surge beside a missing replica", "cluster", "Replicas missing", "A", []string{
		`kube_deployment_spec_replicas{namespace="shop",deployment="a"} 2x90`, `kube_deployment_status_replicas_available{namespace="shop",deployment="a"} 3x90`,
		`kube_deployment_spec_replicas{namespace="shop",deployment="b"} 2x90`, `kube_deployment_status_replicas_available{namespace="shop",deployment="b"} 1x90`,
	}, []string{`{} => 1`}},
	{"no request is answered but with errors", "control-plane", "Errors", "A", []string{
		`apiserver_request_total{job="apiserver",code="200"} 9x90`, `apiserver_request_total{job="apiserver",code="500"} 0+60x90`,
	}, []string{`{} => 1`}},
}

var ended = []string{
	`kube_pod_container_resource_requests{namespace="shop",pod="job-1",container="c",resource="cpu"} 4x90`,
	`kube_pod_container_resource_requests{namespace="shop",pod="job-2",container="c",resource="cpu"} 4x90`,
	`kube_pod_container_resource_requests{namespace="shop",pod="api",container="c",resource="cpu"} 1x90`,
	`kube_pod_status_phase{namespace="shop",pod="job-1",phase="Succeeded"} 1x90`,
	`kube_pod_status_phase{namespace="shop",pod="job-1",phase="Running"} 0x90`,
	`kube_pod_status_phase{namespace="shop",pod="job-2",phase="Failed"} 1x90`,
	`kube_pod_status_phase{namespace="shop",pod="api",phase="Running"} 1x90`,
}

// twice is a series of two kube-state-metrics.
func twice(series string) []string {
	return []string{strings.Replace(series, "{", `{instance="a",`, 1), strings.Replace(series, "{", `{instance="b",`, 1)}
}

// TestSituations asks panels of the chart's own files about situations in which they have misled.
func TestSituations(t *testing.T) {
	all := definitions(t)
	for _, c := range situations {
		t.Run(c.name, func(t *testing.T) {
			d := all[slices.IndexFunc(all, func(d Definition) bool { return d.Name == c.dashboard })]
			m, err := d.Model()
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(m.Panels, func(p Panel) bool { return p.Title == c.panel })
			target := m.Panels[i].Targets[slices.IndexFunc(m.Panels[i].Targets, func(t Target) bool { return t.RefID == c.query })]
			query, err := fill(target.Expr, chosenIn(m))
			if err != nil {
				t.Fatal(err)
			}
			s := &store{}
			for _, line := range c.series {
				s.add(t, line)
			}
			var got []string
			for _, sample := range s.ask(t, query) {
				got = append(got, sample.Metric.String()+" => "+model.SampleValue(sample.F).String())
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", query, diff)
			}
		})
	}
}
