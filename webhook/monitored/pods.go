// Package monitored keeps the pods that Prometheus scrapes, reduced to how they came
// out: their state, their containers' state, their owners, and what Outrider decided
// for them.
//
// # Decisions
//
// # One watch for all
//
// The breaker lists the pods, coverage follows each change.
//
// # A cache of its own, not the manager's
//
// The manager's has one selector for each kind; reading pods by another one (those
// that were missed carry no label) must not depend on this one.
//
// # Only the leader fills it
//
// For an admission only the pod that is admitted counts.
//
// # A pod is reduced to about a kilobyte before it is stored
//
// Most annotations and specs are never kept. Whose account an exporter uses is read from
// the whole pod, and kept as an annotation that the API server never sees.
package monitored

import (
	"context"
	"fmt"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
)

// Pods are the pods with the label outrider.dev/monitored=true. They are known
// on the leader alone.
type Pods struct {
	cache    cache.Cache
	informer cache.Informer

	mu          sync.Mutex
	subscribers []chan struct{}
}

// SetupWithManager returns the pods, which the manager begins to watch when it
// leads.
func SetupWithManager(ctx context.Context, mgr ctrl.Manager, catalog func() sidecars.Catalog) (*Pods, error) {
	own, err := cache.New(mgr.GetConfig(), cache.Options{
		HTTPClient: mgr.GetHTTPClient(),
		Scheme:     mgr.GetScheme(),
		Mapper:     mgr.GetRESTMapper(),
		ByObject: map[client.Object]cache.ByObject{&corev1.Pod{}: {
			Label: labels.SelectorFromSet(labels.Set{sidecars.MonitoredKey: sidecars.MonitoredTrue}),
			Transform: func(object any) (any, error) {
				if pod, ok := object.(*corev1.Pod); ok {
					Slim(pod, catalog())
				}
				return object, nil
			},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("create cache of monitored pods: %w", err)
	}
	p := &Pods{cache: own}
	if p.informer, err = own.GetInformer(ctx, &corev1.Pod{}, cache.BlockUntilSynced(false)); err != nil {
		return nil, fmt.Errorf("watch monitored pods: %w", err)
	}
	notify := func(any) { p.notify() }
	_, err = p.informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: notify, UpdateFunc: func(_, now any) { notify(now) }, DeleteFunc: notify,
	})
	if err != nil {
		return nil, fmt.Errorf("watch monitored pods: %w", err)
	}
	return p, mgr.Add(p)
}

// Start implements manager.Runnable, and runs on the leader alone.
func (p *Pods) Start(ctx context.Context) error { return p.cache.Start(ctx) }

// Ready reports whether all pods are known.
func (p *Pods) Ready() bool { return p.informer.HasSynced() }

// List returns the pods in no order. They belong to the cache and must not be
// changed.
func (p *Pods) List(ctx context.Context) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := p.cache.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list monitored pods: %w", err)
	}
	return list.Items, nil
}

// Changed returns a channel of the caller's own that holds a value whenever
// something changed since it was last read.
func (p *Pods) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := make(chan struct{}, 1)
	p.subscribers = append(p.subscribers, c)
	return c
}

// Follow calls set for each pod that is there, comes or changes, and drop for each that
// goes, one after the other. The pods belong to the cache and must not be changed. synced
// reports whether set was called for all that were there at first.
func (p *Pods) Follow(set, drop func(*corev1.Pod)) (synced func() bool, err error) {
	handler := func(do func(*corev1.Pod)) func(any) {
		return func(object any) {
			if gone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			if pod, ok := object.(*corev1.Pod); ok {
				do(pod)
			}
		}
	}
	registration, err := p.informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: handler(set), UpdateFunc: func(_, now any) { handler(set)(now) }, DeleteFunc: handler(drop),
	})
	if err != nil {
		return nil, fmt.Errorf("follow monitored pods: %w", err)
	}
	return registration.HasSynced, nil
}

func (p *Pods) notify() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.subscribers {
		select {
		case c <- struct{}{}:
		default: // told already
		}
	}
}

const (
	mostMessage   = 256     // bytes that are kept of a kubelet's message
	mostLastWords = 1 << 10 // bytes that are kept of an exporter's last words, from their end
)

// Slim takes away from a pod what a cache of pods need not hold.
func Slim(pod *corev1.Pod, catalog sidecars.Catalog) {
	superusers := strings.Join(sidecars.Superusers(pod, catalog), ",")
	meta := pod.ObjectMeta
	pod.ObjectMeta = metav1.ObjectMeta{
		Name: meta.Name, Namespace: meta.Namespace, UID: meta.UID, ResourceVersion: meta.ResourceVersion,
		CreationTimestamp: meta.CreationTimestamp, DeletionTimestamp: meta.DeletionTimestamp,
		OwnerReferences: meta.OwnerReferences, Labels: kept(meta.Labels, ReadLabel), Annotations: kept(meta.Annotations, sidecars.OwnKey),
	}
	if superusers != "" {
		pod.Annotations[superusersKey] = superusers
	}
	spec := pod.Spec
	pod.Spec = corev1.PodSpec{NodeName: spec.NodeName, RestartPolicy: spec.RestartPolicy, InitContainers: named(spec.InitContainers), Containers: named(spec.Containers)}
	status := pod.Status
	pod.Status = corev1.PodStatus{
		Phase: status.Phase, PodIP: status.PodIP, StartTime: status.StartTime, Conditions: status.Conditions,
		InitContainerStatuses: states(status.InitContainerStatuses), ContainerStatuses: states(status.ContainerStatuses),
	}
}

// ReadLabel reports whether a pod's label is read: one of the domain, or one that tells
// the pod's workload and the template that it is made from.
func ReadLabel(key string) bool {
	return sidecars.OwnKey(key) || key == appsv1.DefaultDeploymentUniqueLabelKey || key == appsv1.ControllerRevisionHashLabelKey
}

// kept are the entries whose keys are wanted.
func kept(all map[string]string, wanted func(key string) bool) map[string]string {
	few := map[string]string{}
	for key, value := range all {
		if wanted(key) {
			few[key] = value
		}
	}
	return few
}

func named(all []corev1.Container) []corev1.Container {
	kept := make([]corev1.Container, len(all))
	for i := range all {
		kept[i] = corev1.Container{Name: all[i].Name, Image: all[i].Image, RestartPolicy: all[i].RestartPolicy}
	}
	return kept
}

func states(all []corev1.ContainerStatus) []corev1.ContainerStatus {
	kept := make([]corev1.ContainerStatus, len(all))
	for i := range all {
		s := &all[i]
		kept[i] = corev1.ContainerStatus{
			Name: s.Name, Image: s.Image, Ready: s.Ready, Started: s.Started, RestartCount: s.RestartCount, State: s.State, LastTerminationState: s.LastTerminationState,
		}
		for _, state := range []*corev1.ContainerState{&kept[i].State, &kept[i].LastTerminationState} {
			if state.Waiting != nil {
				state.Waiting.Message = sidecars.Shorten(state.Waiting.Message, mostMessage)
			}
			if t := state.Terminated; t != nil {
				t.Message, t.ContainerID = lastWords(s.Name, t.Message), ""
			}
		}
	}
	return kept
}

// lastWords are the end of a container's log, or what it wrote to be found. An exporter's
// tell causes apart, and are shown to nobody, because they may hold a secret.
func lastWords(container, message string) string {
	if !strings.HasPrefix(container, sidecars.ContainerPrefix) {
		return ""
	}
	return strings.Clone(message[max(0, len(message)-mostLastWords):])
}
