package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/kube"
)

// load creates pods at a steady pace, until it is stopped.
type load struct {
	e                          *env
	annotated, optedIn, rolled string // namespaces; the last is of the Deployments
	outage                     bool   // whether the API server may be away

	keep int // how many pods of a creator stay; 0 for all

	asked, retried, refused, deployments atomic.Int64
	missed                               atomic.Int64 // were created without exporter or reason
	stop                                 func()
	gate                                 sync.RWMutex // held for reading by every create
	logged                               int          // bytes of the API server's log before

	mu          sync.Mutex
	first       string // that was refused
	firstMissed string
}

const (
	creators = 2                      // of each kind of pod
	pace     = 100 * time.Millisecond // between two pods of a creator
)

// startLoad begins to create pods in namespaces that are named after the test. outage says that creates may
// fail because the API server is away.
func (e *env) startLoad(t *testing.T, outage bool) *load {
	t.Helper()
	return e.startLoadOf(t, outage, 0)
}

func (e *env) startLoadOf(t *testing.T, outage bool, keep int) *load {
	t.Helper()
	name := "faults-" + strings.ToLower(t.Name()[strings.LastIndexByte(t.Name(), '/')+1:])
	l := &load{e: e, outage: outage, keep: keep, annotated: name, optedIn: name + "-optedin", rolled: name + "-rolled"}
	for _, ns := range []string{l.annotated, l.optedIn, l.rolled} {
		e.namespace(t, ns, ns == l.optedIn)
	}
	if log, err := kube.Log("kube-apiserver"); err == nil {
		l.logged = len(log)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range creators {
		all.Go(func() { l.work(ctx, l.annotated, i, map[string]string{sidecars.InjectKey: "redis"}) })
		all.Go(func() { l.work(ctx, l.optedIn, i, nil) })
	}
	l.stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(l.stop)
	return l
}

func (l *load) work(ctx context.Context, namespace string, creator int, annotations map[string]string) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		l.createBy(l.e.servers[creator%len(l.e.servers)], namespace, fmt.Sprintf("pod-%d-%d", creator, i), annotations)
		if l.keep > 0 && i >= l.keep {
			l.delete(namespace, fmt.Sprintf("pod-%d-%d", creator, i-l.keep))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (l *load) create(namespace, name string, annotations map[string]string) *corev1.Pod {
	return l.createBy(l.e.client, namespace, name, annotations)
}

// createBy creates one pod, which nobody schedules, and returns it as it was stored; nil where it was refused.
func (l *load) createBy(client kubernetes.Interface, namespace, name string, annotations map[string]string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
		Spec: corev1.PodSpec{
			SchedulerName: "nobody",
			Containers:    []corev1.Container{{Name: "redis", Image: redisImage}},
		},
	}
	l.gate.RLock()
	defer l.gate.RUnlock()
	l.asked.Add(1)
	var made *corev1.Pod
	err := l.persist(func(ctx context.Context, again bool) (err error) {
		made, err = client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
		if again && apierrors.IsAlreadyExists(err) { // the answer was lost, not the pod
			made, err = client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		}
		return err
	})
	if err != nil {
		l.note(fmt.Sprintf("%s/%s: %v", namespace, name, err))
		return nil
	}
	if !instrumented(made) && made.Annotations[sidecars.StatusKey] == "" {
		if l.missed.Add(1) == 1 {
			l.mu.Lock()
			l.firstMissed = fmt.Sprintf("%s/%s at %s", namespace, name, time.Now().UTC().Format(time.TimeOnly))
			l.mu.Unlock()
		}
	}
	return made
}

func (l *load) delete(namespace, name string) {
	err := l.persist(func(ctx context.Context, again bool) error {
		err := l.e.client.CoreV1().Pods(namespace).Delete(ctx, name, metav1.DeleteOptions{})
		if again && apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
	if err != nil {
		l.note(fmt.Sprintf("delete %s/%s: %v", namespace, name, err))
	}
}

// phase changes something in a moment without creates, lets so many pods be created, and returns what became
// of exactly those.
func (l *load) phase(t *testing.T, pods int64, change func()) count {
	t.Helper()
	read := func() (c count) {
		t.Helper()
		c, err := l.e.counted(t.Context(), l.annotated, l.optedIn)
		if err != nil {
			t.Error(err)
		}
		return c
	}
	l.gate.Lock()
	change()
	before := read()
	l.gate.Unlock()
	l.more(t, pods)
	l.gate.Lock()
	after := read()
	l.gate.Unlock()
	return count{after.pods - before.pods, after.injected - before.injected, after.told - before.told, after.missed - before.missed}
}

// persist does something again for as long as only the API server is in its way.
func (l *load) persist(do func(ctx context.Context, again bool) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for again := false; ; again = true {
		once, end := context.WithTimeout(ctx, 40*time.Second)
		err := do(once, again)
		end()
		if err == nil || !l.outage || !away(err) || ctx.Err() != nil {
			return err
		}
		l.retried.Add(1)
		l.e.awaitAPI(ctx)
	}
}

// awaitAPI waits until the API server calls itself ready: before that, a load balancer sends it nothing.
func (e *env) awaitAPI(ctx context.Context) {
	for ctx.Err() == nil {
		once, end := context.WithTimeout(ctx, 5*time.Second)
		_, err := e.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(once)
		end()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(pace):
		}
	}
}

// away says whether the API server, or its etcd, did not answer.
func away(err error) bool {
	var transport *url.Error
	var connection net.Error // it broke while the answer was read
	ours := strings.Contains(err.Error(), "outrider")
	return !ours && (errors.As(err, &transport) || errors.As(err, &connection) || errors.Is(err, context.DeadlineExceeded) ||
		apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsInternalError(err) || apierrors.IsTooManyRequests(err) || apierrors.IsUnexpectedServerError(err))
}

func (l *load) note(what string) {
	l.refused.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == "" {
		l.first = what
	}
}

// rollOut rolls out a Deployment of two pods that ask for an exporter, which start.
func (l *load) rollOut(t *testing.T) {
	t.Helper()
	d := deployment(fmt.Sprintf("rolled-%d", l.deployments.Add(1)))
	err := l.persist(func(ctx context.Context, again bool) error {
		_, err := l.e.client.AppsV1().Deployments(l.rolled).Create(ctx, d, metav1.CreateOptions{})
		if again && apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// more waits until so many further pods were asked for.
func (l *load) more(t *testing.T, pods int64) {
	t.Helper()
	want := l.asked.Load() + pods
	eventually(t, func() string {
		if n := l.asked.Load(); n < want {
			return fmt.Sprintf("%d pods were asked for, want %d", n, want)
		}
		return ""
	})
}
