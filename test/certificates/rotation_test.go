package certificates_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const secretName = "outrider-webhook-tls"

// compressed lifetimes: an authority is due for replacement 15 seconds after it was made, a certificate after 3, and
// neither outlives the test.
var compressed = map[string]any{"caLifetime": "45s", "servingLifetime": "9s", "settleTime": "400ms"}

// phases of a rotation, each with how the Secret and the caBundles tell that it has been reached.
var phases = []struct {
	name    string
	reached func(now, before keeping) bool
}{
	{"spreading", func(now, _ keeping) bool { return now.next != "" }},
	{"settling", func(now, _ keeping) bool { return now.next != "" && now.spread }},
	{"signing", func(now, before keeping) bool { return now.signing != before.signing }},
	{"retiring", func(now, before keeping) bool {
		return now.signing != before.signing && now.next == "" && now.spread && now.retiring
	}},
}

// keeping is what the Secret says, as far as a test needs it.
type keeping struct {
	signing, next string
	spread        bool // every caBundle carries whatever the Secret trusts
	retiring      bool
	trusted       []string
}

// read returns the Secret's state, an empty one while there is no Secret.
func (e *env) read(t *testing.T) keeping {
	t.Helper()
	secret, err := e.client.CoreV1().Secrets(releaseNamespace).Get(t.Context(), secretName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return keeping{}
	}
	if err != nil {
		t.Fatal(err)
	}
	config, err := e.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), "00-outrider", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k := keeping{
		signing: string(secret.Data["tls.crt"]), next: string(secret.Data["next.crt"]),
		retiring: len(secret.Data["retire-at"]) > 0, spread: true,
	}
	for rest := secret.Data["ca.crt"]; ; {
		block, others := pem.Decode(rest)
		if block == nil {
			return k
		}
		one := bytes.TrimSpace(pem.EncodeToMemory(block))
		for _, w := range config.Webhooks {
			k.spread = k.spread && bytes.Contains(w.ClientConfig.CABundle, one)
		}
		k.trusted, rest = append(k.trusted, string(one)), others
	}
}

// Twenty authorities follow each other while pods are created: every fifth because the last one's time has come, the
// others because the Secret is deleted, or nothing else would fit into minutes. The leader is killed in each phase, twice, and other replicas are restarted at
// random.
func TestRotationsUnderLoad(t *testing.T) {
	t.Parallel()
	const rotations = 20
	e, load := underLoad(t, compressed, 3)
	chance := rand.New(rand.NewPCG(1, 2))
	kills, restarts, began := 0, 0, time.Now()
	for i := range rotations {
		before := e.read(t)
		if i%5 > 0 {
			if err := e.client.CoreV1().Secrets(releaseNamespace).Delete(t.Context(), secretName, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if i%5 < 2 { // 0, 1, 5, 6, 10, 11, 15, 16
			phase := phases[kills%len(phases)]
			e.await(t, phase.name, func(now keeping) bool { return phase.reached(now, before) })
			load.kill(t, e, e.leader(t))
			kills++
			e.start(t)
		}
		e.await(t, fmt.Sprintf("rotation %d", i+1), func(now keeping) bool { return now.signing != "" && now.signing != before.signing })
		if i%5 == 3 {
			old := e.replicas[chance.IntN(len(e.replicas))]
			e.startReady(t)
			e.terminate(t, old)
			restarts++
		}
		load.unharmed(t, e, fmt.Sprintf("rotation %d", i+1))
	}
	say(t, "%d rotations in %s, the leader killed %d times, %d replicas restarted", rotations, time.Since(began).Round(time.Second), kills, restarts)
	last := e.read(t)
	e.await(t, "the old authorities' leaving", func(now keeping) bool {
		left := func(old string) bool {
			return strings.TrimSpace(last.signing) == old || strings.TrimSpace(last.next) == old || !slices.Contains(now.trusted, old)
		}
		return now.spread && !slices.ContainsFunc(last.trusted, func(old string) bool { return !left(old) })
	})
	load.end(t, e, fmt.Sprintf("%d rotations", rotations))
}

func (e *env) await(t *testing.T, what string, reached func(keeping) bool) {
	t.Helper()
	eventually(t, func() string {
		if now := e.read(t); !reached(now) {
			return fmt.Sprintf("%s is not reached; %d are trusted, next %t, everywhere %t, retiring %t", what, len(now.trusted), now.next != "", now.spread, now.retiring)
		}
		return ""
	})
}
