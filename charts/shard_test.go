package charts_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	corev1 "k8s.io/api/core/v1"
)

// Two copies of three shards are six pods. Each target is in one shard, with all of its pod's or its node's, and each
// shard has two pods.
func TestShards(t *testing.T) {
	rendered := objects(t, render(t, server(map[string]any{"shards": 3, "replicas": 2}), latest))
	set := statefulSet(t, rendered, "prometheus")
	args := set.Spec.Template.Spec.Containers[0].Args
	if *set.Spec.Replicas != 6 || !slices.Contains(args, "--config.file=/etc/prometheus/prometheus-$(POD_INDEX).yml") {
		t.Fatalf("%d pods with %q", *set.Spec.Replicas, args)
	}
	data := named[*corev1.ConfigMap](t, rendered, "outrider-prometheus-shards").Data
	_, whole := prometheusConfig(t, rendered)
	dir := filepath.Dir(configFile(t, data))
	of := map[string][]int{} // target → ordinals
	for ordinal := range 6 {
		c, err := config.LoadFile(filepath.Join(dir, "prometheus-"+strconv.Itoa(ordinal)+".yml"), false, promslog.NewNopLogger())
		if err != nil {
			t.Fatal(err)
		}
		jobs, err := c.GetScrapeConfigs()
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs) != len(whole) {
			t.Errorf("ordinal %d has %d jobs, want %d", ordinal, len(jobs), len(whole))
		}
		for _, j := range jobs {
			if j.RelabelConfigs[0].Action != relabel.HashMod {
				t.Errorf("job %s is in every shard", j.JobName)
			}
		}
		for _, target := range []map[string]string{
			{"__meta_kubernetes_pod_uid": "a"}, {"__meta_kubernetes_pod_uid": "b"}, {"__meta_kubernetes_pod_uid": "c"}, {"__meta_kubernetes_pod_uid": "d"},
			{"__meta_kubernetes_node_name": "n1"}, {"__meta_kubernetes_node_name": "n2"}, {},
		} {
			b := labels.NewBuilder(labels.FromMap(target))
			if relabel.ProcessBuilder(b, jobs[0].RelabelConfigs[:2]...) {
				name := strings.Join(slices.Collect(maps.Values(target)), "")
				of[name] = append(of[name], ordinal)
			}
		}
	}
	used := map[int]bool{}
	for target, ordinals := range of {
		if len(ordinals) != 2 || ordinals[1] != ordinals[0]+3 {
			t.Errorf("target %q is scraped by the pods %v, want two copies of one shard", target, ordinals)
		}
		used[ordinals[0]] = true
	}
	if diff := cmp.Diff(map[int]bool{0: true, 1: true, 2: true}, used); diff != "" || len(of) != 7 {
		t.Errorf("%d targets in the shards (-want +got):\n%s", len(of), diff)
	}
}

// One shard needs no hash, and no second ConfigMap.
func TestOneShardIsPlain(t *testing.T) {
	rendered := objects(t, render(t, nil, latest))
	for _, c := range all[*corev1.ConfigMap](rendered) {
		for name, text := range c.Data {
			if strings.Contains(c.Name, "shards") || strings.Contains(text, "hashmod") {
				t.Errorf("%s/%s", c.Name, name)
			}
		}
	}
}
