package apiserver_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outrider-dev/outrider/test/endpoint"
)

// TestFloodPlain does to the ports for metrics and probes what can be done to those without TLS and bodies: Prometheus and the kubelet
// are answered all the same.
func TestFloodPlain(t *testing.T) {
	c := client(t)
	ctl := injecting(t, c)
	before := openFiles(t, ctl)
	connections, answers := int64(0), 0
	var most int64
	for name, address := range map[string]string{"metrics": ctl.metrics, "probes": ctl.health} {
		for how, begin := range map[string]string{
			"nothing is said":       "",
			"headers trickle":       "GET /metrics HTTP/1.1\r\nHost: x\r\n",
			"a header without end":  "GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 1<<20),
			"HTTP/2":                http2(4, 0, "") + strings.Repeat(frame(6, 0, 0, "12345678"), 1000),
			"answers that pile up":  strings.Repeat("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 500),
			"a body nobody reads":   "POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" + strings.Repeat("b", 1<<20),
			"paths that lead above": "GET /readyz/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				to := &target{address: address}
				ctx, end := context.WithTimeout(t.Context(), *flood)
				defer end()
				var clients sync.WaitGroup
				for range 700 {
					clients.Go(func() {
						for ctx.Err() == nil {
							to.stall(ctx, begin)
						}
					})
				}
				for ctx.Err() == nil {
					if body, status := endpoint.Get("http://" + ctl.health + "/readyz"); status != http.StatusOK {
						t.Errorf("the kubelet gets %d: %s", status, body)
					}
					if body, status := endpoint.Get("http://" + ctl.metrics + "/metrics"); status != http.StatusOK && status != http.StatusServiceUnavailable {
						t.Errorf("Prometheus gets %d: %.200s", status, body)
					}
					answers += 2
					most = max(most, ctl.usage(t).Peak)
				}
				clients.Wait()
				connections += to.connections.Load()
			})
		}
	}
	if most > mostMemory {
		t.Errorf("the controller had %d MiB, want at most %d", most>>20, mostMemory>>20)
	}
	eventually(t, func() string {
		if n := openFiles(t, ctl); n > before+20 {
			return fmt.Sprintf("%d files are open, %d were", n, before)
		}
		return ""
	})
	t.Logf("figure: the ports for metrics and probes: %d connections of attackers, %d scrapes and probes answered, controller's memory at most %d MiB",
		connections, answers, most>>20)
}

// stall says something and reads nothing, until it is evicted.
func (to *target) stall(ctx context.Context, say string) {
	conn := to.connect(ctx, attack{}.address(0))
	if conn == nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10)
	}
	_, _ = io.WriteString(conn, say)
	select {
	case <-ctx.Done():
	case <-time.After(*flood / 4):
	}
}
