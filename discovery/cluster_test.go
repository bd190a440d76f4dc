package discovery

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	promlabels "github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
)

// The name that a Vault gives its cluster is kept beside the label of Kubernetes' cluster; the labels of applications are left alone.
func TestVaultsClusterMakesRoom(t *testing.T) {
	jobs, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	endpoints := 0
	for _, j := range jobs {
		if !strings.HasPrefix(j.JobName, "outrider-endpoints") {
			continue
		}
		endpoints++
		for _, c := range []struct{ series, want map[string]string }{
			{map[string]string{"__name__": "vault_core_unsealed", "cluster": "v"}, map[string]string{"__name__": "vault_core_unsealed", "exported_cluster": "v"}},
			{map[string]string{"__name__": "vault_core_unsealed"}, map[string]string{"__name__": "vault_core_unsealed"}},
			{map[string]string{"__name__": "orders_total", "cluster": "v"}, map[string]string{"__name__": "orders_total", "cluster": "v"}},
			{map[string]string{"__name__": "my_vault_orders", "cluster": "v"}, map[string]string{"__name__": "my_vault_orders", "cluster": "v"}},
		} {
			b := promlabels.NewBuilder(promlabels.FromMap(c.series))
			if !relabel.ProcessBuilder(b, j.metricRules...) {
				t.Errorf("%s drops %v", j.JobName, c.series)
			}
			if diff := cmp.Diff(c.want, b.Labels().Map()); diff != "" {
				t.Errorf("%s of %v (-want +got):\n%s", j.JobName, c.series, diff)
			}
		}
	}
	if endpoints != 3 {
		t.Errorf("%d jobs of endpoints", endpoints)
	}
}
