package faults_test

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// relayMark is on the relay's own packets, which the packet filter must not lead back to it.
const relayMark = 20309

// relay passes connections on to the replicas, one after the other, and holds back what passes.
type relay struct {
	address string
	delay   atomic.Int64 // nanoseconds, each way
	served  atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func startRelay(t *testing.T, host string, replicas []string, port int) *relay {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{address: l.Addr().String(), conns: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); r.hangUp() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			n := r.served.Add(1)
			go r.serve(conn, fmt.Sprintf("%s:%d", replicas[n%int64(len(replicas))], port))
		}
	}()
	return r
}

func (r *relay) serve(client net.Conn, to string) {
	defer client.Close()
	dialer := net.Dialer{Timeout: 5 * time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		return firstOf(c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_MARK, relayMark)
		}), func() error { return err })
	}}
	server, err := dialer.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	r.mu.Lock()
	r.conns[client], r.conns[server] = true, true
	r.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { r.pass(server, client) })
	both.Go(func() { r.pass(client, server) })
	both.Wait()
	r.mu.Lock()
	delete(r.conns, client)
	delete(r.conns, server)
	r.mu.Unlock()
}

func firstOf(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// held is what was read, and when it may go on.
type held struct {
	data []byte
	at   time.Time
}

func (r *relay) pass(to, from net.Conn) {
	queue := make(chan held, 1024)
	go func() {
		defer close(queue)
		for {
			buffer := make([]byte, 32*1024)
			n, err := from.Read(buffer)
			if n > 0 {
				queue <- held{buffer[:n], time.Now().Add(time.Duration(r.delay.Load()))}
			}
			if err != nil {
				return
			}
		}
	}()
	for h := range queue {
		<-time.After(time.Until(h.at))
		if _, err := to.Write(h.data); err != nil {
			break
		}
	}
	to.Close()
	from.Close()
	for range queue { // the reader ends too
	}
}

// hangUp ends every connection, so that the next call makes a new one.
func (r *relay) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.Close()
	}
}
