package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	expiring "k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/util/flowcontrol"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
)

// Namespaces knows Outrider's annotations of all namespaces, from a cache of
// their metadata.
type Namespaces struct {
	cached client.Reader
	direct client.Reader
	filled cache.Informer
	ask    flowcontrol.RateLimiter  // how often direct is used
	asked  *expiring.LRUExpireCache // annotations that direct has told, by name
}

// How often the API server is asked for a namespace that the cache does not hold. Whoever calls the webhook for namespaces
// that do not exist uses these up, and not the calls that the controller has for everything else.
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
	own := func(all map[string]string) map[string]string {
		kept := maps.Clone(all)
		maps.DeleteFunc(kept, func(key, _ string) bool {
			prefix, _, _ := strings.Cut(key, "/")
			return prefix != sidecars.Domain && !strings.HasSuffix(prefix, "."+sidecars.Domain)
		})
		return kept
	}
	o.SetLabels(own(o.GetLabels()))
	o.SetAnnotations(own(o.GetAnnotations()))
	return object, nil
}

// SetupWithManager has the manager fill the cache.
func (n *Namespaces) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	n.cached, n.direct = mgr.GetCache(), mgr.GetAPIReader()
	n.ask, n.asked = flowcontrol.NewTokenBucketRateLimiter(asksPerSecond, asksAtOnce), expiring.NewLRUExpireCache(askedMost)
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

// Annotations of the named namespace, as far as they are of Outrider's domain. A
// namespace that the cache does not hold yet is asked for: one file often makes
// a namespace and its pods.
func (n *Namespaces) Annotations(ctx context.Context, name string) (map[string]string, error) {
	if err := n.Check(nil); err != nil {
		return nil, err
	}
	found := namespaceMetadata()
	err := n.cached.Get(ctx, client.ObjectKey{Name: name}, found, &client.GetOptions{UnsafeDisableDeepCopy: new(true)})
	if apierrors.IsNotFound(err) {
		return n.asks(ctx, name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read namespace: %w", err)
	}
	return found.Annotations, nil
}

// asks the API server for a namespace, once for all pods of a burst. Without an answer it returns an error: notFound where
// it has asked too often.
func (n *Namespaces) asks(ctx context.Context, name string, notFound error) (map[string]string, error) {
	if told, ok := n.asked.Get(name); ok {
		return told.(map[string]string), nil
	}
	if !n.ask.TryAccept() {
		return nil, fmt.Errorf("read namespace: %w", notFound)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	found := namespaceMetadata()
	if err := n.direct.Get(ctx, client.ObjectKey{Name: name}, found); err != nil {
		return nil, fmt.Errorf("ask for namespace: %w", err)
	}
	n.asked.Add(name, found.Annotations, askedLasts)
	return found.Annotations, nil
}

func namespaceMetadata() *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	return m
}
