package apiserver_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
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

var flood = flag.Duration("flood", 700*time.Millisecond, "how long each attack on the webhook's port lasts")

// mostMemory is what the controller may have under attack (RSS): two thirds of the limit that the chart gives it, since the pods of a
// large cluster take some too.
const mostMemory = 128 << 20

// target is the port under attack.
type target struct {
	address     string
	connections atomic.Int64 // that were opened
	refused     atomic.Int64 // answers other than 200
	served      atomic.Int64 // answers of 200
}

// TestFlood attacks the port of the real controller in one way after the other, while an API server creates annotated pods. Every one of
// them gets its exporter; the controller's memory stays under the chart's limit; and what it had open before, it has open after.
func TestFlood(t *testing.T) {
	c := client(t)
	ctl := injecting(t, c)
	ns := namespace(t, c, nil)
	honest(t, c, ns) // what is opened once is open
	before := openFiles(t, ctl)
	goroutines := ctl.metric(t, "go_goroutines")
	var all, refused int64
	var most int64
	pods := 0
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			to, say := &target{address: ctl.webhook}, a.begin()
			ctx, end := context.WithTimeout(t.Context(), *flood)
			defer end()
			var clients sync.WaitGroup
			for i := range a.clients {
				from := a.address(i)
				clients.Go(func() {
					for ctx.Err() == nil {
						to.suffer(ctx, a, from, say)
					}
				})
			}
			created, slowest := 0, time.Duration(0)
			for ctx.Err() == nil {
				slowest = max(slowest, honest(t, c, ns), honestLarge(t, c, ns))
				created += 2
				most = max(most, ctl.usage(t).Peak)
			}
			clients.Wait()
			if to.served.Load() > 0 && strings.HasPrefix(a.name, "HTTP/2") {
				t.Errorf("%d were served", to.served.Load())
			}
			if to.connections.Load() == 0 {
				t.Error("nobody attacked")
			}
			all, refused, pods = all+to.connections.Load(), refused+to.refused.Load(), pods+created
			t.Logf("%d connections, %d answers of refusal, %d others; %d honest pods, the slowest in %s; at most %d MiB",
				to.connections.Load(), to.refused.Load(), to.served.Load(), created, slowest.Round(time.Millisecond), most>>20)
		})
	}
	if most > mostMemory {
		t.Errorf("the controller had %d MiB, want at most %d", most>>20, mostMemory>>20)
	}
	eventually(t, func() string {
		if n := openFiles(t, ctl); n > before+20 {
			return fmt.Sprintf("%d files are open, %d were", n, before)
		}
		if n := ctl.metric(t, "go_goroutines"); n > goroutines+40 {
			return fmt.Sprintf("%v goroutines, there were %v", n, goroutines)
		}
		return ""
	})
	t.Logf("figure: %d ways to attack the webhook's port, %d connections, %d refusals: honest pods injected %d of %d, controller's memory at most %d MiB",
		len(attacks), all, refused, pods, pods, most>>20)
}

// honest creates a pod through the API server, and returns how long that took. The pod must have its exporter.
func honest(t *testing.T, c kubernetes.Interface, ns string) time.Duration {
	t.Helper()
	return admitted(t, c, ns, map[string]string{sidecars.InjectKey: "redis"})
}

// honestLarge creates one whose review is among the large ones, which share their room.
func honestLarge(t *testing.T, c kubernetes.Interface, ns string) time.Duration {
	t.Helper()
	return admitted(t, c, ns, map[string]string{sidecars.InjectKey: "redis", "example.org/notes": strings.Repeat("n", 100<<10)})
}

func admitted(t *testing.T, c kubernetes.Interface, ns string, annotations map[string]string) time.Duration {
	t.Helper()
	p := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "redis", Image: "redis:7"}}}}
	p.GenerateName, p.Annotations = "cache-", annotations
	began := time.Now()
	got, err := c.CoreV1().Pods(ns).Create(context.WithoutCancel(t.Context()), p, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Spec.Containers) != 2 {
		t.Fatalf("a pod has no exporter, after %s", time.Since(began))
	}
	return time.Since(began)
}

func openFiles(t *testing.T, ctl *controller) int {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", ctl.process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func (to *target) connect(ctx context.Context, from net.IP) net.Conn {
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}).DialContext(ctx, "tcp", to.address)
	if err != nil {
		return nil
	}
	to.connections.Add(1)
	return conn
}

// suffer is one connection of an attack.
func (to *target) suffer(ctx context.Context, a attack, from net.IP, say string) {
	conn := to.connect(ctx, from)
	if conn == nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if a.plain {
		_, _ = io.WriteString(conn, say)
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: a.protocols})
	if secure.HandshakeContext(ctx) != nil {
		return
	}
	if a.more != "" {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for _, err := io.WriteString(secure, say); err == nil; _, err = io.WriteString(secure, a.more) {
			<-tick.C
		}
		return
	}
	go func() { _, _ = io.WriteString(secure, say) }()
	resp, err := http.ReadResponse(bufio.NewReader(secure), nil)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode == http.StatusOK {
		to.served.Add(1)
	} else {
		to.refused.Add(1)
	}
}

// body is a request with a body.
func body(kind, b string) string {
	return post(kind, fmt.Sprintf("Content-Length: %d\r\n", len(b))) + b
}

func post(kind, headers string) string {
	return "POST /inject/annotated HTTP/1.1\r\nHost: x\r\nContent-Type: " + kind + "\r\n" + headers + "\r\n"
}

// reviewOf is an AdmissionReview of a pod that is any JSON.
func reviewOf(pod string) string {
	return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"CREATE","namespace":"default","dryRun":true,"object":` + pod + `}}`
}

// http2 is the beginning of a connection of HTTP/2, and a first frame.
func http2(kind, flags byte, payload string) string {
	stream := uint32(0)
	if kind == 1 {
		stream = 1
	}
	return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "") + frame(kind, flags, stream, payload)
}

func frame(kind, flags byte, stream uint32, payload string) string {
	n := len(payload)
	return string([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream)}) + payload
}

// bombed is as much as a body may not have, compressed to a thousandth.
var bombed = sync.OnceValue(func() string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(bytes.Repeat([]byte(" "), 64<<20)) // into memory
	_ = w.Close()
	return b.String()
})
