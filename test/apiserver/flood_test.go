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

// attack is one stranger at a port, who goes on until ctx ends. It returns when one attempt is over, and is called again.
type attack func(ctx context.Context, to *target)

// target is the port under attack.
type target struct {
	address     string
	connections atomic.Int64 // that were opened
	refused     atomic.Int64 // answers other than 200
	served      atomic.Int64 // answers of 200
}

// attacks on the webhook's port, with how many strangers do each at once.
var attacks = []struct {
	name      string
	strangers int
	do        attack
}{
	{"connections that say nothing", 2000, func(ctx context.Context, to *target) { to.open(ctx, nil) }},
	{"half a handshake", 500, func(ctx context.Context, to *target) { to.open(ctx, []byte("\x16\x03\x01\x02\x00\x01\x00")) }},
	{"headers that trickle", 300, func(ctx context.Context, to *target) {
		to.trickle(ctx, "POST /inject/annotated HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n", 100*time.Millisecond)
	}},
	{"a header that does not end", 50, func(ctx context.Context, to *target) {
		to.send(ctx, "POST /inject/annotated HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("a", 1<<20))
	}},
	{"bodies that trickle", 300, func(ctx context.Context, to *target) {
		to.trickle(ctx, post("application/json", "Content-Length: 4000000\r\n"), "{\"a\":", 100*time.Millisecond)
	}},
	{"large bodies that do not end", 100, func(ctx context.Context, to *target) {
		to.trickle(ctx, post("application/json", "Content-Length: 4000000\r\n")+"{\""+strings.Repeat("a", 3_900_000), "a", 100*time.Millisecond)
	}},
	{"bodies that are too large", 20, func(ctx context.Context, to *target) {
		to.body(ctx, "application/json", bytes.Repeat([]byte("x"), 20<<20))
	}},
	{"chunks without an end", 20, func(ctx context.Context, to *target) {
		to.send(ctx, post("application/json", "Transfer-Encoding: chunked\r\n")+strings.Repeat("10000\r\n"+strings.Repeat("y", 0x10000)+"\r\n", 128))
	}},
	{"a bomb of gzip", 20, func(ctx context.Context, to *target) {
		to.send(ctx, post("application/json", fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n", len(bombed())))+string(bombed()))
	}},
	{"lists of empty containers", 20, func(ctx context.Context, to *target) {
		to.body(ctx, "application/json", reviewOf(`{"spec":{"containers":[{}`+strings.Repeat(",{}", 1_000_000)+`]}}`))
	}},
	{"as many items as are let in", 20, func(ctx context.Context, to *target) {
		to.body(ctx, "application/json", reviewOf(`{"metadata":{"annotations":{"outrider.dev/inject":"redis"}},"spec":{"containers":[0`+strings.Repeat(",0", 9_900)+`]}}`))
	}},
	{"nested deeply", 20, func(ctx context.Context, to *target) {
		to.body(ctx, "application/json", reviewOf(strings.Repeat(`{"a":[`, 200_000)+strings.Repeat("]}", 200_000)))
	}},
	{"a key a hundred thousand times", 20, func(ctx context.Context, to *target) {
		to.body(ctx, "application/json", reviewOf(`{`+strings.Repeat(`"metadata":{"name":"a"},`, 100_000)+`"kind":"Pod"}`))
	}},
	{"YAML", 20, func(ctx context.Context, to *target) {
		to.body(ctx, "application/json", []byte("a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b]\n"+strings.Repeat("- - - a\n", 100_000)))
	}},
	{"another type", 20, func(ctx context.Context, to *target) { to.body(ctx, "text/plain", reviewOf(`{}`)) }},
	{"another method", 20, func(ctx context.Context, to *target) {
		to.send(ctx, "DELETE /inject/annotated HTTP/1.1\r\nHost: x\r\n\r\n")
	}},
	{"namespaces that are not there", 20, func(ctx context.Context, to *target) {
		n := to.connections.Load()
		to.body(ctx, "application/json", bytes.Replace(reviewOf(`{"metadata":{"annotations":{"outrider.dev/inject":"redis"}},"spec":{"containers":[{"name":"a","image":"redis"}]}}`),
			[]byte(`"namespace":"default"`), fmt.Appendf(nil, `"namespace":"n%d"`, n), 1))
	}},
	{"HTTP/2: SETTINGS and PING", 50, func(ctx context.Context, to *target) {
		to.send(ctx, http2(4, 0, "")+strings.Repeat(frame(6, 0, 0, "12345678"), 10_000))
	}},
	{"HTTP/2: streams that are reset", 50, func(ctx context.Context, to *target) {
		var b strings.Builder
		for id := uint32(1); id < 20_000; id += 2 {
			b.WriteString(frame(1, 5, id, "\x83\x86\x84\x87") + frame(3, 0, id, "\x00\x00\x00\x08"))
		}
		to.send(ctx, http2(4, 0, "")+b.String())
	}},
	{"HTTP/2: CONTINUATION without an end", 50, func(ctx context.Context, to *target) {
		to.send(ctx, http2(1, 0, "\x83")+strings.Repeat(frame(9, 0, 1, strings.Repeat("\x00", 16000)), 200))
	}},
	{"HTTP/2 is asked for in the handshake", 20, func(ctx context.Context, to *target) {
		if conn := to.dial(ctx, "h2"); conn != nil {
			to.served.Add(1) // it must not come to this
			conn.Close()
		}
	}},
}

// TestFlood attacks the port of the real controller in one way after the other, while an API server creates annotated pods. Every one of
// them gets its exporter; the controller's memory stays under the chart's limit; and what it had open before, it has open after.
func TestFlood(t *testing.T) {
	c := client(t)
	ctl := injecting(t, c)
	ns := namespace(t, c, nil)
	honest(t, c, ns) // what is opened once is open
	_ = bombed()
	before := openFiles(t, ctl)
	goroutines := ctl.metric(t, "go_goroutines")
	var all, refused int64
	var most uint64
	pods := 0
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			to := &target{address: ctl.webhook}
			ctx, end := context.WithTimeout(t.Context(), *flood)
			defer end()
			var strangers sync.WaitGroup
			for range a.strangers {
				strangers.Go(func() {
					for ctx.Err() == nil {
						a.do(ctx, to)
					}
				})
			}
			created, slowest := 0, time.Duration(0)
			for ctx.Err() == nil {
				slowest = max(slowest, honest(t, c, ns))
				created++
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
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "cache-", Annotations: map[string]string{sidecars.InjectKey: "redis"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "redis", Image: "redis:7"}}},
	}
	began := time.Now()
	got, err := c.CoreV1().Pods(ns).Create(context.WithoutCancel(t.Context()), p, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Spec.Containers) != 2 {
		t.Errorf("a pod has no exporter, after %s", time.Since(began))
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

func (to *target) plain(ctx context.Context) net.Conn {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", to.address)
	if err != nil {
		return nil
	}
	to.connections.Add(1)
	return conn
}

func (to *target) dial(ctx context.Context, protocols ...string) net.Conn {
	conn := to.plain(ctx)
	if conn == nil {
		return nil
	}
	secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
	if secure.HandshakeContext(ctx) != nil {
		conn.Close()
		return nil
	}
	return secure
}

// open connects, says something that is no request, and waits to be shown out.
func (to *target) open(ctx context.Context, say []byte) {
	if conn := to.plain(ctx); conn != nil {
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { conn.Close() })()
		_, _ = conn.Write(say)
		_, _ = io.Copy(io.Discard, conn)
	}
}

// trickle sends the beginning of a request and then a little of it again and again.
func (to *target) trickle(ctx context.Context, begin, more string, every time.Duration) {
	conn := to.dial(ctx)
	if conn == nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for _, err := conn.Write([]byte(begin)); err == nil; _, err = conn.Write([]byte(more)) {
		<-tick.C
	}
}

// send sends bytes and reads one answer.
func (to *target) send(ctx context.Context, request string) {
	conn := to.dial(ctx)
	if conn == nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	go func() { _, _ = io.WriteString(conn, request) }()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
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

func (to *target) body(ctx context.Context, kind string, body []byte) {
	to.send(ctx, post(kind, fmt.Sprintf("Content-Length: %d\r\n", len(body)))+string(body))
}

func post(kind, headers string) string {
	return "POST /inject/annotated HTTP/1.1\r\nHost: x\r\nContent-Type: " + kind + "\r\n" + headers + "\r\n"
}

// reviewOf is an AdmissionReview of a pod that is any JSON.
func reviewOf(pod string) []byte {
	return []byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"CREATE","namespace":"default","dryRun":true,"object":` + pod + `}}`)
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
var bombed = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(bytes.Repeat([]byte(" "), 64<<20)) // into memory
	_ = w.Close()
	return b.Bytes()
})
