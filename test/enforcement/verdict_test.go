package enforcement_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/outrider-dev/outrider/sidecars"
)

// The policies, by their names.
const (
	enforcementPolicy = "outrider-enforcement"
	sparedPolicy      = "outrider-spared"
)

// verdict is what became of an object by the policies.
type verdict struct {
	what string // allowed, audited, warned, denied
	said string // the policy's message
	id   string // of the request in the audit log
}

func (v verdict) String() string { return strings.TrimSpace(v.what + " " + v.said) }

// resources by kind, with the path of their API.
var resources = map[string]string{
	"Pod": "api/v1/pods", "Deployment": "apis/apps/v1/deployments", "StatefulSet": "apis/apps/v1/statefulsets",
	"DaemonSet": "apis/apps/v1/daemonsets", "ReplicaSet": "apis/apps/v1/replicasets", "Job": "apis/batch/v1/jobs", "CronJob": "apis/batch/v1/cronjobs",
}

// ids number the requests.
var ids atomic.Int64

// heard collects warnings.
type heard []string

func (h *heard) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	*h = append(*h, text)
}

// create has the API server admit an object, with all that it asks, without storing it.
func create(t *testing.T, namespace string, object any) verdict {
	t.Helper()
	return send(t, "POST", namespace, object)
}

// send creates or, with PUT, replaces an object. A POST stores nothing.
func send(t *testing.T, verb, namespace string, object any) verdict {
	t.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var fields struct {
		Kind     string
		Metadata map[string]any
	}
	var whole map[string]any
	for _, into := range []any{&fields, &whole} {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
	fields.Metadata["namespace"] = namespace
	whole["metadata"] = fields.Metadata
	if raw, err = json.Marshal(whole); err != nil {
		t.Fatal(err)
	}
	at := resources[fields.Kind]
	slash := strings.LastIndex(at, "/")
	path := "/" + at[:slash] + "/namespaces/" + namespace + at[slash:]
	v := verdict{what: "allowed", id: fmt.Sprintf("%s-%d", namespace, ids.Add(1))}
	var warnings heard
	request := client(t).CoreV1().RESTClient().Verb(verb).AbsPath(path).SetHeader("Content-Type", "application/json").
		SetHeader("Audit-ID", v.id).WarningHandlerWithContext(&warnings).Body(raw)
	if verb == "POST" {
		request = request.Param("dryRun", "All")
	} else {
		request = request.AbsPath(path, fields.Metadata["name"].(string))
	}
	err = request.Do(t.Context()).Error()
	for _, w := range warnings {
		if _, said, ok := strings.Cut(w, "' with binding '"); ok && strings.HasPrefix(w, "Validation failed for ValidatingAdmissionPolicy 'outrider-") {
			_, said, _ = strings.Cut(said, "': ")
			v.what, v.said = "warned", said
		}
	}
	if err != nil {
		_, said, ours := strings.Cut(err.Error(), "ValidatingAdmissionPolicy '"+enforcementPolicy+"' with binding 'outrider-enforcement-deny' denied request: ")
		if !ours || !apierrors.IsForbidden(err) {
			t.Fatalf("%s %s: %v", fields.Kind, fields.Metadata["name"], err)
		}
		v.what, v.said = "denied", said
	}
	return v
}

// event is what is read of an audit event.
type event struct {
	AuditID     string
	Annotations map[string]string
}

// audited are the annotations of the events of all requests so far, by id.
func audited(t *testing.T) map[string]map[string]string {
	t.Helper()
	file, err := os.Open(auditLog)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	found := map[string]map[string]string{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // the line that is being written
		}
		found[e.AuditID] = e.Annotations
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// failures are what the audit log says of a request: the messages of the policies that it failed.
func failures(t *testing.T, annotations map[string]string) []string {
	t.Helper()
	raw := annotations["validation.policy.admission.k8s.io/validation_failure"]
	if raw == "" {
		return nil
	}
	var all []struct{ Message, Policy string }
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, f := range all {
		if f.Policy == enforcementPolicy || f.Policy == sparedPolicy {
			messages = append(messages, f.Message)
		}
	}
	return messages
}

var modes = []string{sidecars.EnforceAudit, sidecars.EnforceWarn, sidecars.EnforceDeny}
