package decider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	expiring "k8s.io/apimachinery/pkg/util/cache"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/flowcontrol"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
)

// Namespaces knows Outrider's labels and annotations of all namespaces, from a
// cache of their metadata.
type Namespaces struct {
	cached client.Reader
	direct client.Reader
	filled cache.Informer
	limit  flowcontrol.RateLimiter  // how often direct is used
	asked  *expiring.LRUExpireCache // what direct has answered, by name
}

// How often the API server is asked for a namespace that the cache does not hold. Calls for namespaces that do not exist
// use these up, and not the requests that the process has for everything else.
const (
	asksPerSecond = 10
	asksAtOnce    = 10
	askTime       = time.Second     // after which a pod is decided without the answer
	askedLasts    = 5 * time.Second // in which the cache hears of it
	askedMost     = 256
)

// NamespaceCache keeps the manager's cache of namespaces to what is read of
// them: their names, and labels and annotations of Outrider's domain.
func NamespaceCache() map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{&corev1.Namespace{}: {Transform: onlyOwnKeys}}
}

// onlyOwnKeys takes from an object's metadata what is not of Outrider's domain.
func onlyOwnKeys(object any) (any, error) {
	o, ok := object.(metav1.Object)
	if !ok {
		return object, nil
	}
	o.SetManagedFields(nil)
	o.SetLabels(sidecars.OwnEntries(o.GetLabels()))
	o.SetAnnotations(sidecars.OwnEntries(o.GetAnnotations()))
	return object, nil
}

// SetupWithManager has the manager fill the cache.
func (n *Namespaces) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	n.cached, n.direct = mgr.GetCache(), mgr.GetAPIReader()
	n.limit, n.asked = flowcontrol.NewTokenBucketRateLimiter(asksPerSecond, asksAtOnce), expiring.NewLRUExpireCache(askedMost)
	informer, err := mgr.GetCache().GetInformer(ctx, namespaceMetadata(), cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watch namespaces: %w", err)
	}
	n.filled = informer
	return nil
}

// Check returns nil once the cache is filled; it is a healthz.Checker.
func (n *Namespaces) Check(*http.Request) error {
	if !n.filled.HasSynced() {
		return errors.New("namespaces are not known yet")
	}
	return nil
}

// Namespace gives the labels and annotations of Outrider's domain. A namespace
// that the cache does not hold yet is asked for: one file often makes a namespace
// and its pods.
func (n *Namespaces) Namespace(ctx context.Context, name string) (sidecars.Namespace, error) {
	if err := n.Check(nil); err != nil {
		return sidecars.Namespace{}, err
	}
	found := namespaceMetadata()
	err := n.cached.Get(ctx, client.ObjectKey{Name: name}, found, &client.GetOptions{UnsafeDisableDeepCopy: new(true)})
	if apierrors.IsNotFound(err) {
		return n.ask(ctx, name, err)
	}
	if err != nil {
		return sidecars.Namespace{}, fmt.Errorf("read namespace: %w", err)
	}
	return sidecars.Namespace{Labels: found.Labels, Annotations: found.Annotations}, nil
}

// ask asks the API server for a namespace, once for all pods of a burst. Without an answer it returns an error: notFound where
// it has asked too often.
func (n *Namespaces) ask(ctx context.Context, name string, notFound error) (sidecars.Namespace, error) {
	if known, ok := n.asked.Get(name); ok {
		return known.(sidecars.Namespace), nil
	}
	if !n.limit.TryAccept() {
		return sidecars.Namespace{}, fmt.Errorf("read namespace: %w", notFound)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	found := namespaceMetadata()
	if err := n.direct.Get(ctx, client.ObjectKey{Name: name}, found); err != nil {
		return sidecars.Namespace{}, fmt.Errorf("ask for namespace: %w", err)
	}
	of := sidecars.Namespace{Labels: found.Labels, Annotations: found.Annotations}
	n.asked.Add(name, of, askedLasts)
	return of, nil
}

// Follow calls set for each namespace that exists, is created or changes, and drop
// for each that is deleted. synced reports whether set was called for all that
// existed at first.
func (n *Namespaces) Follow(set, drop func(name string, of sidecars.Namespace)) (synced func() bool, err error) {
	handler := func(do func(string, sidecars.Namespace)) func(any) {
		return func(object any) {
			if gone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			if o, ok := object.(metav1.Object); ok {
				do(o.GetName(), sidecars.Namespace{Labels: o.GetLabels(), Annotations: o.GetAnnotations()})
			}
		}
	}
	registration, err := n.filled.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: handler(set), UpdateFunc: func(_, now any) { handler(set)(now) }, DeleteFunc: handler(drop),
	})
	if err != nil {
		return nil, fmt.Errorf("follow namespaces: %w", err)
	}
	return registration.HasSynced, nil
}

func namespaceMetadata() *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	return m
}
