package sidecars_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// TestVolumes says what a sidecar is given of Secrets that parameters name.
func TestVolumes(t *testing.T) {
	yes := true
	p := pod("redis", sidecars.InjectKey, "redis", "redis.outrider.dev/scheme", "rediss",
		"redis.outrider.dev/ca", "authority/root.pem", "redis.outrider.dev/certificate", "client")
	plan := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin())
	after := plan.Apply(p)
	volume := func(name string, s corev1.SecretVolumeSource) corev1.Volume {
		s.Optional = &yes
		return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: &s}}
	}
	want := []corev1.Volume{
		{Name: "outrider-no-token", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{}}},
		volume("outrider-redis-ca", corev1.SecretVolumeSource{SecretName: "authority", Items: []corev1.KeyToPath{{Key: "root.pem", Path: "ca.crt"}}}),
		volume("outrider-redis-certificate", corev1.SecretVolumeSource{SecretName: "client"}),
	}
	if diff := cmp.Diff(want, after.Spec.Volumes); diff != "" {
		t.Errorf("volumes (-want +got):\n%s", diff)
	}
	for _, m := range after.Spec.Containers[1].VolumeMounts {
		if !m.ReadOnly {
			t.Errorf("%s is mounted for writing", m.Name)
		}
	}
	if got, want := valueOf(after, "REDIS_EXPORTER_TLS_CA_CERT_FILE"), "/etc/outrider/ca/ca.crt"; got != want {
		t.Errorf("authority in %s, want %s", got, want)
	}
	if diff := cmp.Diff(p, sidecars.Remove(after), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("what is removed is not what was added:\n%s", diff)
	}
	if live := plan.Live(); len(live.Containers) != 0 || live.Decisions[0].Reason != sidecars.Unsupported {
		t.Errorf("a running pod cannot be given volumes: %+v", live.Decisions)
	}
}

// A volume of the user's with the name of one that is needed is a collision, and stays.
func TestVolumeOfTheSameName(t *testing.T) {
	p := pod("redis", sidecars.InjectKey, "redis", "redis.outrider.dev/ca", "authority")
	p.Spec.Volumes = []corev1.Volume{{Name: "outrider-redis-ca"}}
	plan := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin())
	if got := verdicts(plan); len(got) != 1 || got[0].Reason != sidecars.VolumeCollision {
		t.Errorf("decisions %v, want a collision", got)
	}
	p.Annotations["redis.outrider.dev/ca"] = "not a name"
	if got := verdicts(sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin())); len(got) != 1 || got[0].Reason != sidecars.BadValue {
		t.Errorf("decisions %v, want a bad value", got)
	}
}
