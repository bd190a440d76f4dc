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

// mostMemory is what the controller may have under attack (RSS): the memory limit that the chart gives it.
const mostMemory = 128 << 20

// target is the port under attack.
type target struct {
	address     string
	connections atomic.Int64 // that were opened
	refused     atomic.Int64 // answers other than 200
	served      atomic.Int64 // answers of 200
}

// attack is what many strangers do at once, again and again.
type attack struct {
	name      string
	strangers int
	plain     bool          // without a handshake; nothing is expected but to be shown out
	begin     func() string // what is said first
	more      string        // and then, ten times a second; where that is nothing, an answer is read
	protocols []string      // of TLS
}

// attacks on the webhook's port.
var attacks = []attack{
	{name: "connections that say nothing", strangers: 2000, plain: true, begin: verbatim("")},
	{name: "half a handshake", strangers: 500, plain: true, begin: verbatim("\x16\x03\x01\x02\x00\x01\x00")},
	{name: "headers that trickle", strangers: 300, begin: verbatim("POST /inject/annotated HTTP/1.1\r\nHost: x\r\n"), more: "X-A: b\r\n"},
	{name: "a header that does not end", strangers: 50, begin: verbatim("POST /inject/annotated HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 1<<20))},
	{name: "bodies that trickle", strangers: 300, begin: verbatim(post("application/json", "Content-Length: 4000000\r\n")), more: "{\"a\":"},
	{name: "large bodies that do not end", strangers: 50, begin: func() string {
		return post("application/json", "Content-Length: 4000000\r\n") + "{\"" + strings.Repeat("a", 3_900_000)
	}, more: "a"},
	{name: "bodies that are too large", strangers: 20, begin: func() string { return body("application/json", strings.Repeat("x", 20<<20)) }},
	{name: "chunks without an end", strangers: 20, begin: func() string {
		return post("application/json", "Transfer-Encoding: chunked\r\n") + strings.Repeat("10000\r\n"+strings.Repeat("y", 0x10000)+"\r\n", 128)
	}},
	{name: "a bomb of gzip", strangers: 20, begin: func() string {
		b := bombed()
		return post("application/json", fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n", len(b))) + b
	}},
	{name: "lists of empty containers", strangers: 20, begin: func() string {
		return body("application/json", reviewOf(`{"spec":{"containers":[{}`+strings.Repeat(",{}", 1_000_000)+`]}}`))
	}},
	{name: "as many items as are let in", strangers: 20, begin: func() string {
		return body("application/json", reviewOf(`{"metadata":{"annotations":{"outrider.dev/inject":"redis"}},"spec":{"containers":[0`+strings.Repeat(",0", 9_900)+`]}}`))
	}},
	{name: "nested deeply", strangers: 20, begin: func() string {
		return body("application/json", reviewOf(strings.Repeat(`{"a":[`, 200_000)+strings.Repeat("]}", 200_000)))
	}},
	{name: "a key a hundred thousand times", strangers: 20, begin: func() string {
		return body("application/json", reviewOf(`{`+strings.Repeat(`"metadata":{"name":"a"},`, 100_000)+`"kind":"Pod"}`))
	}},
	{name: "YAML", strangers: 20, begin: func() string {
		return body("application/json", "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b]\n"+strings.Repeat("- - - a\n", 100_000))
	}},
	{name: "another type", strangers: 20, begin: func() string { return body("text/plain", reviewOf(`{}`)) }},
	{name: "another method", strangers: 20, begin: verbatim("DELETE /inject/annotated HTTP/1.1\r\nHost: x\r\n\r\n")},
	{name: "a namespace that is not there", strangers: 20, begin: func() string {
		return body("application/json", strings.Replace(reviewOf(`{"metadata":{"annotations":{"outrider.dev/inject":"redis"}},"spec":{"containers":[{"name":"a","image":"redis"}]}}`), `"default"`, `"nowhere"`, 1))
	}},
	{name: "HTTP/2: SETTINGS and PING", strangers: 50, begin: func() string { return http2(4, 0, "") + strings.Repeat(frame(6, 0, 0, "12345678"), 10_000) }},
	{name: "HTTP/2: streams that are reset", strangers: 50, begin: func() string {
		var b strings.Builder
		for id := uint32(1); id < 20_000; id += 2 {
			b.WriteString(frame(1, 5, id, "\x83\x86\x84\x87") + frame(3, 0, id, "\x00\x00\x00\x08"))
		}
		return http2(4, 0, "") + b.String()
	}},
	{name: "HTTP/2: CONTINUATION without an end", strangers: 50, begin: func() string {
		return http2(1, 0, "\x83") + strings.Repeat(frame(9, 0, 1, strings.Repeat("\x00", 16000)), 200)
	}},
	{name: "HTTP/2 is asked for in the handshake", strangers: 20, begin: func() string { return http2(4, 0, "") }, protocols: []string{"h2"}},
}

func verbatim(s string) func() string { return func() string { return s } }

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
	var most uint64
	pods := 0
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			to, say := &target{address: ctl.webhook}, a.begin()
			ctx, end := context.WithTimeout(t.Context(), *flood)
			defer end()
			var strangers sync.WaitGroup
			for range a.strangers {
				strangers.Go(func() {
					for ctx.Err() == nil {
						to.suffer(ctx, a, say)
					}
				})
			}
			created, slowest := 0, time.Duration(0)
			for ctx.Err() == nil {
				slowest = max(slowest, honest(t, c, ns), honestLarge(t, c, ns))
				created += 2
				most = max(most, resident(t, ctl))
			}
			strangers.Wait()
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

// resident is the controller's memory, as the kernel counts it for a limit.
func resident(t *testing.T, ctl *controller) uint64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", ctl.process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, pages uint64
	if _, err := fmt.Sscan(string(raw), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * uint64(os.Getpagesize())
}

func (to *target) connect(ctx context.Context) net.Conn {
	// Strangers have addresses of their own, as pods have: who comes from the API server's may be shown out in its place.
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 66)}
	conn, err := (&net.Dialer{LocalAddr: from}).DialContext(ctx, "tcp", to.address)
	if err != nil {
		return nil
	}
	to.connections.Add(1)
	return conn
}

// suffer is one connection of an attack.
func (to *target) suffer(ctx context.Context, a attack, say string) {
	conn := to.connect(ctx)
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
