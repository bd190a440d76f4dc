package decider

import (
	"context"
	"flag"
	"maps"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// Decider decides for pods by all that holds in their namespace. It is safe for
// concurrent use if its sources are.
type Decider struct {
	// Exporters are the definitions in force. Required.
	Exporters interface{ Catalog() sidecars.Catalog }
	// Namespaces gives labels and annotations of a namespace, as far as they are of
	// Outrider's domain. Nil gives none.
	Namespaces interface {
		Namespace(ctx context.Context, name string) (sidecars.Namespace, error)
	}
	// Budgets gives what a namespace's policies leave. Nil leaves everything.
	Budgets interface {
		Budget(ctx context.Context, namespace string) (sidecars.Budget, error)
	}
	// Usage reports whether a namespace has used up its budget of series. Nil: none has.
	Usage interface{ Exhausted(namespace string) bool }
	// Breaker suspends exporters that do not work. Nil suspends none.
	Breaker Breaker
	// Settings are the same for all pods.
	Settings sidecars.Settings
}

// Fixed is a catalog that does not change.
type Fixed sidecars.Catalog

// Catalog is the catalog itself.
func (f Fixed) Catalog() sidecars.Catalog { return sidecars.Catalog(f) }

// Breaker suspends the injection of exporters that do not work.
type Breaker interface {
	// Suspended gives the exporters that are not injected in a namespace now, each
	// with the reason in words. One that is half-open, with probes left, is not
	// among them.
	Suspended(namespace string) map[string]string
	// Try takes one of the half-open probes of an exporter that is about to be
	// injected. It returns why the exporter is suspended after all, or "".
	Try(namespace, exporter string) string
}

// Request is a pod to decide for.
type Request struct {
	// Pod as it is before injection. It is not modified.
	Pod *corev1.Pod
	// Namespace that the pod is created in.
	Namespace string
	// Size of the pod as JSON, in bytes; zero where it is not known.
	Size int
	// OptIn is sidecars.InjectEnabled or sidecars.InjectDisabled where the caller
	// knows whether the namespace is opted in. Empty: its label decides.
	OptIn string
	// Created says that the pod is being created, so that it counts as a probe of
	// exporters that are half-open.
	Created bool
}

// AddFlags binds the settings that hold for all pods to flags.
func AddFlags(s *sidecars.Settings, fs *flag.FlagSet) {
	fs.StringVar(&s.ImageRegistry, "image-registry", "", "Registry that replaces that of the exporters' images.")
	fs.Func("image-pull-secret", "Secret of the pod's namespace added to those with which images are pulled; repeatable.", func(name string) error {
		s.ImagePullSecrets = append(s.ImagePullSecrets, name)
		return nil
	})
	fs.BoolVar(&s.AssignedUIDs, "assigned-uids", false, "Leave the sidecars' user to the platform (OpenShift).")
	fs.BoolVar(&s.OptInAll, "opt-in-all", false, "Every namespace is opted in but those labeled outrider.dev/inject: disabled, as in the webhook configuration.")
	fs.Func("comparing-owner", "API group, or GROUP/KIND, of owners that delete pods which differ from what they made, so that nothing is added to them; repeatable, instead of the built-in list.", func(owner string) error {
		s.ComparingOwners = append(s.ComparingOwners, owner)
		return nil
	})
}

// Decide decides for a pod. What cannot be looked up is logged, and the pod is
// decided without it.
func (d *Decider) Decide(ctx context.Context, r Request) sidecars.Plan {
	catalog := d.Exporters.Catalog()
	in, asked := d.input(ctx, r, catalog)
	if !asked {
		logPassed(logr.FromContextOrDiscard(ctx), in, catalog)
		return sidecars.Plan{}
	}
	plan := sidecars.NewPlan(in, catalog)
	if d.Breaker == nil || !r.Created {
		return plan
	}
	// Two pods may have seen the last probe; the second is decided again.
	late := map[string]string{}
	for _, decision := range plan.Decisions {
		if decision.Outcome == sidecars.Injected && decision.New() {
			if why := d.Breaker.Try(r.Namespace, decision.Exporter); why != "" {
				late[decision.Exporter] = why
			}
		}
	}
	if len(late) == 0 {
		return plan
	}
	maps.Copy(late, in.Suspended)
	in.Suspended = late
	return sidecars.NewPlan(in, catalog)
}

// logPassed logs what looks like a workload in an opted-in namespace and is not
// taken for it.
func logPassed(log logr.Logger, in sidecars.Input, catalog sidecars.Catalog) {
	if log = log.V(1); !log.Enabled() || !in.Settings.OptedIn(in.Namespace.Labels) || in.Pod.Annotations[sidecars.InjectKey] != "" {
		return
	}
	for _, p := range catalog.Passed(in.Pod) {
		log.Info("container not recognized", "pod", in.Pod.GenerateName+in.Pod.Name, "container", p.Container, "exporter", p.Exporter, "why", p.Why)
	}
}

// Explain decides as Decide does, and says where every setting comes from.
func (d *Decider) Explain(ctx context.Context, r Request) (sidecars.Plan, []sidecars.Setting) {
	catalog := d.Exporters.Catalog()
	in, _ := d.input(ctx, r, catalog)
	return sidecars.Explain(in, catalog)
}

// The labels of a namespace of which the caller knows whether it is opted in.
var labels = map[string]map[string]string{
	sidecars.InjectEnabled:  {sidecars.InjectKey: sidecars.InjectEnabled},
	sidecars.InjectDisabled: {sidecars.InjectKey: sidecars.InjectDisabled},
}

// input assembles what the decision depends on. Where nothing is asked for it
// looks up no more than it takes to know that.
func (d *Decider) input(ctx context.Context, r Request, catalog sidecars.Catalog) (in sidecars.Input, asked bool) {
	in = sidecars.Input{Pod: r.Pod, Size: r.Size, Settings: d.Settings}
	if r.OptIn != "" {
		in.Namespace.Labels = labels[r.OptIn]
		if asked = sidecars.Asked(in, catalog); !asked {
			return in, false
		}
	}
	log := logr.FromContextOrDiscard(ctx)
	if d.Namespaces != nil {
		found, err := d.Namespaces.Namespace(ctx, r.Namespace)
		if err != nil {
			log.Error(err, "decided without the namespace's labels and annotations", "namespace", r.Namespace)
		}
		if r.OptIn != "" { // what the entry says stands for the label
			found.Labels = maps.Clone(found.Labels)
			if found.Labels == nil {
				found.Labels = map[string]string{}
			}
			maps.Copy(found.Labels, labels[r.OptIn])
		}
		in.Namespace = found
	}
	if r.OptIn == "" {
		if asked = sidecars.Asked(in, catalog); !asked {
			return in, false
		}
	}
	if d.Budgets != nil {
		var err error
		if in.Budget, err = d.Budgets.Budget(ctx, r.Namespace); err != nil {
			log.Error(err, "decided without the namespace's LimitRanges and ResourceQuotas", "namespace", r.Namespace)
		}
	}
	in.Exhausted = d.Usage != nil && d.Usage.Exhausted(r.Namespace)
	if d.Breaker != nil {
		in.Suspended = d.Breaker.Suspended(r.Namespace)
	}
	return in, true
}
