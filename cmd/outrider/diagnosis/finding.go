package diagnosis

import (
	"context"
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Verdict is how a check came out.
type Verdict string

// The verdicts, from good to bad.
const (
	Pass Verdict = "pass"
	Warn Verdict = "warn"
	Fail Verdict = "fail"
)

// Finding is one line of a diagnosis.
type Finding struct {
	// Check is what was looked at, in a word or two.
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	// Says is what was seen, one sentence.
	Says string `json:"says"`
	// Remedy is what to do about it; empty for a pass.
	Remedy string `json:"remedy,omitempty"`
}

// Patient is the cluster that is looked at.
type Patient struct {
	// Config reaches its API server, with the caller's permissions.
	Config *rest.Config
	// Client is made from Config.
	Client kubernetes.Interface
	// Namespace in which a pod is made for the dry-run. Default "default".
	Namespace string

	installed    Installed     // found by findInstallation, as is
	installation *installation // what it shows of the release
}

// New returns the cluster of a configuration.
func New(config *rest.Config, namespace string) (*Patient, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("create client: %w", err)
	}
	if namespace == "" {
		namespace = "default"
	}
	return &Patient{Config: config, Client: client, Namespace: namespace}, nil
}

// restore is what brings back objects of the release. Without the values it was
// installed with, an upgrade would change what it is.
const restore = "Upgrade with the values that it was installed with: helm get values RELEASE > values.yaml; outrider upgrade -f values.yaml."

// check is one step. It returns false where those after it make no sense.
type check func(context.Context, *Patient, func(Finding)) bool

// Examine runs all checks in their order and hands each finding over as soon as
// it is there.
func (p *Patient) Examine(ctx context.Context, found func(Finding)) {
	for _, c := range []check{
		apiServer, crd, findInstallation, calling(replicas), calling(caBundles), calling(certificate), ownPolicies, dryRun, permissions, otherWebhooks, meshes, exporters, prometheus, accounts,
	} {
		if !c(ctx, p, found) {
			return
		}
	}
}

// calling is a check of what only an installation with a webhook has.
func calling(c check) check {
	return func(ctx context.Context, p *Patient, found func(Finding)) bool {
		return p.installation.service == "" || c(ctx, p, found)
	}
}

func pass(name, format string, args ...any) Finding {
	return Finding{Check: name, Verdict: Pass, Says: fmt.Sprintf(format, args...)}
}

func warn(name, remedy, format string, args ...any) Finding {
	return Finding{Check: name, Verdict: Warn, Says: fmt.Sprintf(format, args...), Remedy: remedy}
}

func fail(name, remedy, format string, args ...any) Finding {
	return Finding{Check: name, Verdict: Fail, Says: fmt.Sprintf(format, args...), Remedy: remedy}
}
