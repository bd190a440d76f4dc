package forecast

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

func planOf(annotations map[string]string) sidecars.Plan {
	pod := &corev1.Pod{}
	pod.Annotations = annotations
	pod.Spec.Containers = []corev1.Container{{Name: "a", Image: "example.org/a:1"}}
	return sidecars.NewPlan(sidecars.Input{Pod: pod}, sidecars.Builtin())
}

// TestSums holds that pods multiply, that namespaces sum, and that counts are counted.
func TestSums(t *testing.T) {
	catalog := sidecars.Builtin()
	f := New(10*time.Second, Counts{"postgres/database": 3})
	f.Add("shop", "Deployment/cache", 3, planOf(map[string]string{sidecars.InjectKey: "redis"}), catalog)
	f.Add("bank", "StatefulSet/db", 2, planOf(map[string]string{sidecars.InjectKey: "postgres"}), catalog)
	f.Add("bank", "StatefulSet/kafka", 3, planOf(map[string]string{sidecars.InjectKey: "kafka"}), catalog)
	if err := f.Sum(); err != nil {
		t.Fatal(err)
	}
	redis, _ := catalog.Spec("redis")
	postgres, _ := catalog.Spec("postgres")
	byExporter := map[string]Line{}
	for _, l := range f.Lines {
		byExporter[l.Exporter] = l
	}
	if l := byExporter["redis"]; l.Sidecars != 3 || l.CPU != 30 || l.Memory != 96 || l.Series != int64(3*redis.Cost.Series.Base) || l.Samples != float64(l.Series)/10 {
		t.Errorf("redis: %+v", l)
	}
	per := postgres.Cost.Series.Per[0]
	if l := byExporter["postgres"]; per.Of != "database" || l.Series != int64(2*(postgres.Cost.Series.Base+3*per.Series)) {
		t.Errorf("postgres: %+v, and %+v for each", l, per)
	}
	if l := byExporter["kafka"]; l.Sidecars != 1 || !l.Unmeasured {
		t.Errorf("an exporter of a whole cluster, with a documented cost, is in one pod of it: %+v", l)
	}
	if len(f.Namespaces) != 2 || f.Namespaces[0].Namespace != "bank" || f.Total.Sidecars != 6 || !f.Total.Unmeasured || f.Namespaces[1].Unmeasured || f.Total.Series != f.Namespaces[0].Series+f.Namespaces[1].Series {
		t.Errorf("%+v of %+v", f.Total, f.Namespaces)
	}
}

// TestUnknown holds that what is not known is not counted as nothing, and that a count of nothing is refused.
func TestUnknown(t *testing.T) {
	squid := v1alpha1.Exporter{}
	squid.Name = "squid"
	squid.Spec, _ = sidecars.Builtin().Spec("squid")
	squid.Spec.Cost = nil
	catalog, err := sidecars.Builtin().With(squid)
	if err != nil {
		t.Fatal(err)
	}
	f := New(30*time.Second, Counts{"redis/table": 3})
	f.Add("shop", "Pod/a", 1, planOf(map[string]string{sidecars.InjectKey: "redis,squid"}), catalog)
	if err := f.Sum(); err == nil || !strings.Contains(err.Error(), "redis/table") || !strings.Contains(err.Error(), "redis/database") {
		t.Errorf("a count of what no exporter counts: %v", err)
	}
	var text strings.Builder
	if err := f.Write(&text); err != nil || !strings.Contains(text.String(), "0+?") || !strings.Contains(text.String(), "for each database (--count 'redis/database=N')") {
		t.Errorf("%v\n%s", err, text.String())
	}
	if strings.Contains(text.String(), "~") {
		t.Errorf("what is measured is marked as documented:\n%s", text.String())
	}
	var documented strings.Builder
	f = New(30*time.Second, nil)
	f.Add("shop", "Pod/a", 1, planOf(map[string]string{sidecars.InjectKey: "kafka"}), catalog)
	if err := f.Write(&documented); err != nil || !strings.Contains(documented.String(), "~304") {
		t.Errorf("%v\n%s", err, documented.String())
	}
}
