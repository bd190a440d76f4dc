package coverage

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/repair"
)

// ReportPath is where the leader's metrics server has the report.
const ReportPath = "/coverage"

// Row is what one exporter is to the pods of one workload that have it alike.
type Row struct {
	Namespace string `json:"namespace"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Exporter  string `json:"exporter"`
	// Pods that this row is about.
	Pods int `json:"pods"`
	// ByPolicy is how many of them got the exporter by the API server's policies, and
	// not by the webhook.
	ByPolicy int `json:"byPolicy,omitempty"`
	// Superusers is in how many of them the exporter logs in as an account that may do
	// everything, as far as the pod shows it.
	Superusers int `json:"superusers,omitempty"`
	// State in which they came out of admission, with the reason and one sentence.
	State   State           `json:"state"`
	Reason  sidecars.Reason `json:"reason,omitempty"`
	Message string          `json:"message,omitempty"`
	// Proof that the injected exporter reaches its workload, with the reason and
	// one sentence; empty where none is injected, or no Prometheus is asked.
	Proof        Proof  `json:"proof,omitempty"`
	ProofReason  string `json:"proofReason,omitempty"`
	ProofMessage string `json:"proofMessage,omitempty"`
	// Since when: as far as this leader knows for what is down, since the oldest
	// pod for the others.
	Since time.Time `json:"since"`

	confirmed bool // seen twice, so that it may be reported
	reported  bool // in an event at admission
}

// Report is what the leader knows.
type Report struct {
	// Prometheus that is asked; empty where none is.
	Prometheus string `json:"prometheus,omitempty"`
	// Problem is why it did not answer the last time.
	Problem string `json:"problem,omitempty"`
	// Rows by namespace, kind, name and exporter.
	Rows []Row `json:"rows"`
}

// Report returns all rows of one namespace, or of all where it is empty. It has
// none where this replica does not lead.
func (c *Controller) Report(namespace string) Report {
	r := Report{Prometheus: c.PrometheusURL, Rows: []Row{}}
	if !c.leads.Load() {
		return r
	}
	c.inv.mu.Lock()
	r.Problem = c.problem
	for of, w := range c.inv.workloads {
		if namespace == "" || of.Namespace == namespace {
			r.Rows = append(r.Rows, w.rows...)
		}
	}
	c.inv.mu.Unlock()
	slices.SortStableFunc(r.Rows, func(a, b Row) int { return a.workload().compare(b.workload()) })
	return r
}

// Lacking implements repair.Coverage: the workloads with pods that were missed, or
// that are stale, sorted. There are none where this replica does not lead.
func (c *Controller) Lacking(context.Context) ([]repair.Workload, error) {
	var found []repair.Workload
	if !c.leads.Load() {
		return nil, nil
	}
	c.inv.mu.Lock()
	for of, w := range c.inv.workloads {
		most := map[State]int{} // of the exporters: they lack them together
		for i := range w.rows {
			most[w.rows[i].State] = max(most[w.rows[i].State], w.rows[i].Pods)
		}
		for _, s := range []State{Missed, Stale} {
			if most[s] > 0 {
				lacks := repair.Workload{Namespace: of.Namespace, Pods: most[s], Stale: s == Stale}
				if o := w.regarded; o.Kind != "Pod" {
					lacks.Owner = metav1.OwnerReference{APIVersion: o.APIVersion, Kind: o.Kind, Name: o.Name, UID: o.UID}
				}
				found = append(found, lacks)
			}
		}
	}
	c.inv.mu.Unlock()
	slices.SortStableFunc(found, func(a, b repair.Workload) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Owner.Kind, b.Owner.Kind), cmp.Compare(a.Owner.Name, b.Owner.Name))
	})
	return found, nil
}

func (w Workload) compare(o Workload) int {
	return cmp.Or(cmp.Compare(w.Namespace, o.Namespace), cmp.Compare(w.Kind, o.Kind), cmp.Compare(w.Name, o.Name))
}

func (r *Row) workload() Workload { return Workload{r.Namespace, r.Kind, r.Name} }

// ServeHTTP answers with the Report as JSON, of the namespace that the query
// names or of all. A replica that does not lead answers 503.
func (c *Controller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet:
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
	case !c.leads.Load():
		http.Error(w, "this replica does not lead, or has only begun to; ask another", http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", "application/json")
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(c.Report(r.URL.Query().Get("namespace"))) // the client may have gone
	}
}
