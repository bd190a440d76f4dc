package certificates_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/sidecars"
)

// load creates pods without a pause through both entries of the webhook configuration: annotated ones, whose entry says
// failurePolicy Fail, and ones of an opted-in namespace, whose entry says Ignore. Three in four are dry runs, which an API
// server admits like any other and does not store. Half of the creators use each API server.
type load struct {
	fail, ignore policy

	calls sync.RWMutex // held for reading by every create
	stop  func()
}

// policy counts what became of the pods that one entry is for.
type policy struct {
	created, refused, missed atomic.Int64 // missed: created without its sidecar, or with several
	lagging                  atomic.Int64 // of the created, through the API server that lags

	mu    sync.Mutex
	first string // what went wrong first
}

const creators = 2 // of each policy

func (e *env) startLoad(t *testing.T) *load {
	t.Helper()
	l := &load{}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	annotated, optedIn := e.namespace(t, nil), e.namespace(t, map[string]string{sidecars.InjectKey: "enabled"})
	for i := range creators {
		all.Go(func() { l.create(ctx, e, &l.fail, annotated, i, map[string]string{sidecars.InjectKey: "redis"}) })
		all.Go(func() { l.create(ctx, e, &l.ignore, optedIn, i, nil) })
	}
	all.Go(func() { l.reconnect(ctx, e) })
	l.stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(l.stop)
	return l
}

// underLoad installs the chart with these values of certs, and starts replicas and the load.
func underLoad(t *testing.T, certs map[string]any, replicas int) (*env, *load) {
	t.Helper()
	e := newEnv(t)
	e.install(t, certs)
	for range replicas {
		e.startReady(t)
	}
	l := e.startLoad(t)
	l.more(t, 20)
	return e, l
}

func (l *load) create(ctx context.Context, e *env, p *policy, namespace string, creator int, annotations map[string]string) {
	client := []kubernetes.Interface{e.client, e.lagging}[creator%2]
	for i := 0; ctx.Err() == nil; i++ {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pod-%d-%d", creator, i), Annotations: annotations},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "redis", Image: "docker.io/library/redis:7.0.15"}}},
		}
		var options metav1.CreateOptions
		if i%4 != 0 {
			options.DryRun = []string{metav1.DryRunAll}
		}
		l.calls.RLock()
		began := time.Now()
		made, err := client.CoreV1().Pods(namespace).Create(context.WithoutCancel(ctx), pod, options)
		l.calls.RUnlock()
		switch {
		case err != nil:
			p.refused.Add(1)
			p.note(fmt.Sprintf("%s: by server %d: %v", began.Format(time.StampMicro), creator%2+1, err))
		case len(made.Spec.Containers) != 2:
			p.missed.Add(1)
			p.note(fmt.Sprintf("%s: by server %d: %s has %d containers: %v", began.Format(time.StampMicro), creator%2+1, made.Name, len(made.Spec.Containers), made.Annotations))
		}
		p.created.Add(1)
		if creator%2 == 1 {
			p.lagging.Add(1)
		}
	}
}

func (p *policy) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first == "" {
		p.first = what
	}
}

// reconnect has the API servers open every connection again, five times a second, so that certificates are looked at. It
// would otherwise keep its connections for as long as they are used.
func (l *load) reconnect(ctx context.Context, e *env) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.pause(func() { e.service.hangUp(nil) })
		}
	}
}

// pause does something while no call is under way.
func (l *load) pause(do func()) {
	l.calls.Lock()
	defer l.calls.Unlock()
	do()
}

// kill ends a replica with SIGKILL, which is what becomes of a leader whose node dies. A process that is killed loses
// the calls that it is answering, whatever its certificates; so that nothing is counted but what certificates cost, it is
// killed in a moment without calls, and its connections are gone from the API server before the next one.
func (l *load) kill(t *testing.T, e *env, r *replica) {
	t.Helper()
	e.service.remove(r)
	l.pause(func() {
		if err := errors.Join(r.process.Kill(), r.leader.Kill()); err != nil {
			t.Error(err)
		}
		<-r.ended
		<-r.stoodDown
		e.service.hangUp(r)
	})
	e.forget(r)
}

// more waits until this many further pods of each policy were created.
func (l *load) more(t *testing.T, pods int64) {
	t.Helper()
	fail, ignore := l.fail.created.Load()+pods, l.ignore.created.Load()+pods
	eventually(t, func() string {
		if l.fail.created.Load() < fail || l.ignore.created.Load() < ignore {
			return "no pods are created"
		}
		return ""
	})
}

// unharmed fails the test at the first pod that was lost.
func (l *load) unharmed(t *testing.T, e *env, during string) {
	t.Helper()
	if l.fail.refused.Load()+l.fail.missed.Load()+l.ignore.refused.Load()+l.ignore.missed.Load() == 0 {
		return
	}
	for _, r := range e.replicas {
		var said []string
		for line := range strings.Lines(r.said(t)) {
			if !strings.Contains(line, `"msg":"pod decided"`) {
				said = append(said, line)
			}
		}
		t.Logf("%s, ready %t:\n%s", r.webhook, r.ready.Load(), strings.Join(said[max(0, len(said)-40):], ""))
	}
	t.Fatalf("%s, failurePolicy Fail: %d pods, %d refused, %d without a sidecar (%s); Ignore: %d pods, %d refused, %d without a sidecar (%s)", during,
		l.fail.created.Load(), l.fail.refused.Load(), l.fail.missed.Load(), l.fail.first,
		l.ignore.created.Load(), l.ignore.refused.Load(), l.ignore.missed.Load(), l.ignore.first)
}

// end stops the load and reports its totals.
func (l *load) end(t *testing.T, e *env, during string) {
	t.Helper()
	l.stop()
	l.unharmed(t, e, during)
	late := l.fail.lagging.Load() + l.ignore.lagging.Load()
	say(t, "%s: %d pods with failurePolicy Fail, %d refused; %d with Ignore, %d without their sidecar; %d of them through an API server that lags by %s; over %d connections", during,
		l.fail.created.Load(), l.fail.refused.Load(), l.ignore.created.Load(), l.ignore.missed.Load(), late, lag, e.service.handshakes.Load())
	if late == 0 {
		t.Error("no pod was created through the API server that lags")
	}
}
