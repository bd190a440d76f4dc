//go:build linux

package servers

import (
	"flag"
	"fmt"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/sandbox"
)

var only = flag.String("only", "", "entries to be started, separated by commas; all but the slow ones if there is none")

func TestMain(m *testing.M) {
	flag.Parse()
	entries, err := Entries(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "servers:", err)
		os.Exit(2)
	}
	os.Exit(sandbox.Main(Images(entries), m.Run))
}

// TestExportersReachTheirServers starts each server with its exporter, also under the profile essential where it has settings of
// its own, and waits until the up metric is there, and is not 0.
func TestExportersReachTheirServers(t *testing.T) {
	entries, err := Entries(*only)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		profiles := []sidecars.Profile{sidecars.Full}
		if spec, _ := sidecars.Builtin().Spec(e.Exporter); len(spec.Essential.Args)+len(spec.Essential.Env) > 0 {
			profiles = append(profiles, sidecars.Essential)
		}
		for _, profile := range profiles {
			t.Run(e.Exporter+"/"+string(profile), func(t *testing.T) {
				running, err := e.Start(t.Context(), Load{}, profile)
				if err != nil {
					t.Fatal(err)
				}
				if err := running.Stop(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestSecretWithoutUser holds that the exporter logs in as the image's own user where all of a Secret's keys are variables of the
// server, and there is none for the user.
func TestSecretWithoutUser(t *testing.T) {
	e := Entry{Exporter: "postgres", Values: sandbox.Values{"account/POSTGRES_PASSWORD": "for-tests"}}
	e.Spec.Containers = []corev1.Container{{Name: "pg", Image: "docker.io/library/postgres:15", EnvFrom: []corev1.EnvFromSource{
		{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "account"}}},
	}}}
	running, err := e.Start(t.Context(), Load{}, sidecars.Full)
	if err != nil {
		t.Fatal(err)
	}
	if err := running.Stop(); err != nil {
		t.Error(err)
	}
}
