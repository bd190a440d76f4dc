package sidecars

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// mostSeries is the largest series budget.
const mostSeries = 999_999_999

// SeriesBudget is how many series the exporters of a namespace with these
// annotations may have; 0 where it sets no budget. An error says what is wrong with
// the annotation, which then has no effect.
func SeriesBudget(annotations map[string]string) (int, error) {
	value, ok := annotations[BudgetKey]
	if !ok {
		return 0, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > mostSeries || strconv.Itoa(n) != value {
		return 0, fmt.Errorf("%s: %q is no number of series from 1 to %d, such as 50000; there is no budget until it is", BudgetKey, shorten(value), mostSeries)
	}
	return n, nil
}

// readBudget answers a budget that is not understood.
func (p *planner) readBudget() {
	if _, err := SeriesBudget(p.Namespace.Annotations); err != nil {
		p.ignore(BudgetKey, BadValue, "%s%s", inNamespace, err)
	}
}

// ExporterJobs are the scrape jobs of injected exporters. Prometheus limits the
// samples of a job's scrapes and not of a target's, so there is one for each limit.
func ExporterJobs() []string {
	var jobs []string
	for _, limit := range v1alpha1.SampleLimits() {
		jobs = append(jobs, ExporterJob(limit))
	}
	return jobs
}

// ExporterJob is the one with a limit.
func ExporterJob(limit int32) string {
	if limit == v1alpha1.MostSamples {
		return exporterJob
	}
	return fmt.Sprintf("%s-%d", exporterJob, limit)
}

const exporterJob = ContainerPrefix + "exporters"

// sampleLimit is the annotation by which Prometheus scrapes the pod's exporters under
// the limit of their definitions, or "". It is the largest of them: the annotation is
// the pod's. A pod that has all its exporters keeps what it has.
func (p *planner) sampleLimit() string {
	if !p.Injects() {
		return p.Pod.Annotations[SampleLimitKey]
	}
	var most int32
	for _, d := range p.Decisions {
		if d.Outcome != Injected {
			continue
		}
		limit := v1alpha1.MostSamples
		if e, known := p.catalog.entries[d.Exporter]; known {
			limit = e.sampleLimit()
		}
		most = max(most, limit)
	}
	if most == 0 || most == v1alpha1.MostSamples {
		return ""
	}
	return strconv.Itoa(int(most))
}

func (e *entry) sampleLimit() int32 {
	if e.spec.SampleLimit == 0 {
		return v1alpha1.MostSamples
	}
	return e.spec.SampleLimit
}

func validateSampleLimit(limit int32, bad *problems) {
	if limit != 0 && !slices.Contains(v1alpha1.SampleLimits(), limit) {
		bad.add("spec.sampleLimit", "%d is none of %v", limit, v1alpha1.SampleLimits())
	}
}
