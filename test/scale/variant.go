package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/test/population"
)

// The ways of discovery that are compared, in the order of what they cost.
const (
	empty     = "nothing"    // no job at all: what Prometheus itself takes
	static    = "file"       // the same targets out of a file: the floor
	outrider  = "Outrider"   // the chart's own jobs
	annotated = "pod job"    // one job for annotated pods
	usual     = "usual jobs" // that, and the jobs that usually stand beside it
)

var variants = []string{empty, static, outrider, annotated, usual}

//go:embed annotated.yaml
var annotatedJobs string

//go:embed cluster.yaml
var clusterJobs string

// jobs returns the scrape_configs of a variant, for n pods.
func jobs(variant string, n int) (string, error) {
	switch variant {
	case empty:
		return "", nil
	case static:
		return staticJob(n)
	case outrider:
		return string(discovery.Jobs()), nil
	case annotated:
		return annotatedJobs, nil
	default:
		return clusterJobs + annotatedJobs, nil
	}
}

// extra is how many targets a variant has beside the monitored pods.
func extra(variant string) int {
	if variant == usual {
		return 1 + 2*population.Nodes
	}
	return 0
}

// staticJob is a job with the targets that the monitored ones of n pods have, one group each, as a discovery would send them.
func staticJob(n int) (string, error) {
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	groups := []group{}
	for i := range n {
		if !population.Monitored(i) {
			continue
		}
		pod := population.Pod(namespaceOf(i), i)
		pod.Status = population.Running(pod, population.Address(i), time.Now())
		found, err := discovery.Targets(pod)
		if err != nil {
			return "", err
		}
		for _, t := range found {
			groups = append(groups, group{[]string{t.Labels["instance"]}, t.Labels})
		}
	}
	raw, err := json.Marshal(groups)
	if err != nil {
		return "", fmt.Errorf("encode targets: %w", err)
	}
	return fmt.Sprintf("- job_name: file\n  static_configs: %s\n", raw), nil
}

// role is where a discovery says what it finds, in the files of this folder and in the chart's.
var role = regexp.MustCompile(`(?m)^    - role: [a-z]+$`)

// configuration is a prometheus.yml with these jobs. A day passes between two scrapes, so that next to none is made.
func configuration(jobs, kubeconfig, interval string) string {
	jobs = role.ReplaceAllString(jobs, "${0}\n      kubeconfig_file: "+kubeconfig)
	return "global: {scrape_interval: " + interval + ", scrape_timeout: 5s}\nscrape_configs:\n" + jobs
}
