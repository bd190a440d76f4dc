package sidecars_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// canary stands for a password in plain text; it must come out of nothing.
const canary = "hunter2-canary"

func secretRef(name, key string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key}}
}

// TestCredentials says for each way in which a server gets its password what
// the exporter gets: a Secret's name and key, nothing, or a refusal.
func TestCredentials(t *testing.T) {
	const redisEnv, pgEnv = "REDIS_PASSWORD", "DATA_SOURCE_PASS"
	for name, tc := range map[string]struct {
		image, env string
		edit       func(*corev1.Pod, *corev1.Container)
		want       string // SECRET/KEY, or ""
		refused    sidecars.Reason
	}{
		"none": {image: "redis", env: redisEnv},
		"its own variable": {image: "redis", env: redisEnv, want: "app/pw", edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "REDIS_PASSWORD", ValueFrom: secretRef("app", "pw")}}
		}},
		"an argument's variable": {image: "redis", env: redisEnv, want: "app/pw", edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.Args = []string{"--requirepass", "$(PW)"}
			c.Env = []corev1.EnvVar{{Name: "PW", ValueFrom: secretRef("app", "pw")}}
		}},
		"an argument with =": {image: "redis", env: redisEnv, want: "app/pw", edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.Args = []string{"redis-server", "--requirepass=$(PW)"}
			c.Env = []corev1.EnvVar{{Name: "PW", ValueFrom: secretRef("app", "pw")}}
		}},
		"a shell's script": {image: "redis", env: redisEnv, want: "app/pw", edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.Command = []string{"/bin/sh", "-ec", "mkdir -p /data && exec redis-server --requirepass \"${PW}\" --save ''"}
			c.Env = []corev1.EnvVar{{Name: "PW", ValueFrom: secretRef("app", "pw")}}
		}},
		"through another variable": {image: "postgres", env: pgEnv, want: "app/pw", edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "PW", ValueFrom: secretRef("app", "pw")}, {Name: "POSTGRES_PASSWORD", Value: "$(PW)"}}
		}},
		"envFrom": {image: "postgres", env: pgEnv, want: "app/POSTGRES_PASSWORD", edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "app"}}}}
		}},
		"envFrom with a prefix": {image: "postgres", env: pgEnv, want: "app/PASSWORD", edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.EnvFrom = []corev1.EnvFromSource{{Prefix: "POSTGRES_", SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "app"}}}}
		}},
		"two envFrom": {image: "mysql", env: "MYSQLD_EXPORTER_PASSWORD", refused: sidecars.UnfollowedCredential, edit: func(_ *corev1.Pod, c *corev1.Container) {
			for _, name := range []string{"a", "b"} {
				c.EnvFrom = append(c.EnvFrom, corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}})
			}
		}},
		"a file": {image: "postgres", env: pgEnv, want: "app/pw", edit: func(p *corev1.Pod, c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "POSTGRES_PASSWORD_FILE", Value: "/run/secrets/pw"}}
			c.VolumeMounts = []corev1.VolumeMount{{Name: "s", MountPath: "/run/secrets"}}
			p.Spec.Volumes = []corev1.Volume{{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "app"}}}}
		}},
		"a file by another name": {image: "postgres", env: pgEnv, want: "app/key", edit: func(p *corev1.Pod, c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "POSTGRES_PASSWORD_FILE", Value: "/run/secrets/pw"}}
			c.VolumeMounts = []corev1.VolumeMount{{Name: "s", MountPath: "/run/secrets/"}}
			p.Spec.Volumes = []corev1.Volume{{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "app", Items: []corev1.KeyToPath{{Key: "key", Path: "pw"}}}}}}
		}},
		"a file of nowhere": {image: "postgres", env: pgEnv, refused: sidecars.UnfollowedCredential, edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "POSTGRES_PASSWORD_FILE", Value: "/vault/pw"}}
		}},
		"annotation": {image: "postgres", env: pgEnv, want: "named/password", edit: func(p *corev1.Pod, _ *corev1.Container) {
			p.Annotations["postgres.outrider.dev/secret"] = "named"
		}},
		"annotation with a key wins over a literal": {image: "postgres", env: pgEnv, want: "named/k", edit: func(p *corev1.Pod, c *corev1.Container) {
			p.Annotations["postgres.outrider.dev/secret"] = "named/k"
			c.Env = []corev1.EnvVar{{Name: "POSTGRES_PASSWORD", Value: canary}}
		}},
		"annotation that is a password": {image: "postgres", env: pgEnv, refused: sidecars.BadValue, edit: func(p *corev1.Pod, _ *corev1.Container) {
			p.Annotations["postgres.outrider.dev/secret"] = canary + "!"
		}},
		"literal variable": {image: "postgres", env: pgEnv, refused: sidecars.LiteralCredential, edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "POSTGRES_PASSWORD", Value: canary}}
		}},
		"literal argument": {image: "redis", env: redisEnv, refused: sidecars.LiteralCredential, edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.Args = []string{"--requirepass", canary}
		}},
		"literal in a script": {image: "redis", env: redisEnv, refused: sidecars.LiteralCredential, edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.Command = []string{"sh", "-c", "redis-server --requirepass '" + canary + "'"}
		}},
		"literal behind a variable": {image: "redis", env: redisEnv, refused: sidecars.LiteralCredential, edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.Args = []string{"--requirepass", "$(PW)"}
			c.Env = []corev1.EnvVar{{Name: "PW", Value: canary}}
		}},
		"required and missing": {image: "mysql", env: "MYSQLD_EXPORTER_PASSWORD", refused: sidecars.MissingCredential},
		"a cycle of variables": {image: "postgres", env: pgEnv, refused: sidecars.UnfollowedCredential, edit: func(_ *corev1.Pod, c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "POSTGRES_PASSWORD", Value: "$(A)"}, {Name: "A", Value: "$(POSTGRES_PASSWORD)"}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod(tc.image, sidecars.InjectKey, tc.image)
			if tc.edit != nil {
				tc.edit(p, &p.Spec.Containers[0])
			}
			plan := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin())
			if tc.refused != "" {
				if got := verdicts(plan); len(got) != 1 || got[0].Reason != tc.refused {
					t.Errorf("decisions %v, want refused: %s", got, tc.refused)
				}
			} else if got := passwordOf(t, plan.Apply(p), tc.env); got != tc.want {
				t.Errorf("the password comes from %q, want %q; %v", got, tc.want, plan.Warnings())
			}
			out, err := json.Marshal([]any{plan.Patch(), plan.Decisions, plan.Warnings()})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(out), canary) {
				t.Errorf("a secret came out: %s", out)
			}
		})
	}
}

// passwordOf is where a sidecar's variable comes from, as SECRET/KEY. It must
// be optional: what is missing must not keep the pod from starting.
func passwordOf(t *testing.T, p *corev1.Pod, env string) string {
	t.Helper()
	if len(p.Spec.Containers) != 2 {
		t.Fatalf("%d containers, want the server and its exporter", len(p.Spec.Containers))
	}
	for _, v := range p.Spec.Containers[1].Env {
		if v.Name != env {
			continue
		}
		if v.ValueFrom == nil || v.ValueFrom.SecretKeyRef == nil {
			t.Fatalf("%s is no reference to a Secret: %+v", env, v)
		}
		ref := v.ValueFrom.SecretKeyRef
		if ref.Optional == nil || !*ref.Optional {
			t.Errorf("the reference %s/%s is not optional", ref.Name, ref.Key)
		}
		return ref.Name + "/" + ref.Key
	}
	return ""
}

func TestUserOfTheExporter(t *testing.T) {
	for name, tc := range map[string]struct {
		annotations []string
		env         []corev1.EnvVar
		want        corev1.EnvVar
	}{
		"default":    {want: corev1.EnvVar{Name: "DATA_SOURCE_USER", Value: "postgres"}},
		"literal":    {env: []corev1.EnvVar{{Name: "POSTGRES_USER", Value: "shop"}}, want: corev1.EnvVar{Name: "DATA_SOURCE_USER", Value: "shop"}},
		"annotation": {annotations: []string{"postgres.outrider.dev/user", "monitor"}, env: []corev1.EnvVar{{Name: "POSTGRES_USER", Value: "shop"}}, want: corev1.EnvVar{Name: "DATA_SOURCE_USER", Value: "monitor"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod("postgres", append([]string{sidecars.InjectKey, "postgres"}, tc.annotations...)...)
			p.Spec.Containers[0].Env = tc.env
			got := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Apply(p).Spec.Containers[1].Env[0]
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
		})
	}
}
