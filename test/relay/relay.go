//go:build linux

// Package relay stands between a client and its server: it counts what passes, holds it back, and ends connections.
package relay

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Relay passes TCP connections on to servers, in turn.
type Relay struct {
	// Delay is how long what is sent is held back, each way, in nanoseconds. Default 0.
	Delay atomic.Int64
	// Served counts connections, Received the bytes that servers sent.
	Served, Received atomic.Int64

	listener net.Listener
	mark     int
	to       []string

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// Start listens on a free port of a host such as 127.0.0.1, until Close. The relay's own packets bear the mark, for packet
// filters that must not lead them back to it, which takes root; 0 is none.
func Start(host string, mark int, to ...string) (*Relay, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen for a relay: %w", err)
	}
	r := &Relay{listener: l, mark: mark, to: to, conns: map[net.Conn]bool{}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			n := r.Served.Add(1)
			go r.serve(conn, r.to[n%int64(len(r.to))])
		}
	}()
	return r, nil
}

// Address returns host and port that the relay listens on.
func (r *Relay) Address() string { return r.listener.Addr().String() }

// Close takes no further connections; those that are open end with their clients.
func (r *Relay) Close() { _ = r.listener.Close() }

// HangUp ends every connection, so that the next call makes a new one.
func (r *Relay) HangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.Close()
	}
}

func (r *Relay) serve(client net.Conn, to string) {
	defer client.Close()
	server, err := (&net.Dialer{Timeout: 5 * time.Second, Control: r.control}).Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	r.mu.Lock()
	r.conns[client], r.conns[server] = true, true
	r.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { r.pass(server, client, &atomic.Int64{}) })
	both.Go(func() { r.pass(client, server, &r.Received) })
	both.Wait()
	r.mu.Lock()
	delete(r.conns, client)
	delete(r.conns, server)
	r.mu.Unlock()
}

// control marks a connection's packets.
func (r *Relay) control(_, _ string, c syscall.RawConn) error {
	if r.mark == 0 {
		return nil
	}
	var marked error
	err := c.Control(func(fd uintptr) { marked = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_MARK, r.mark) })
	if err != nil {
		return err
	}
	return marked
}

// held is what was read, and when it may go on.
type held struct {
	data []byte
	at   time.Time
}

func (r *Relay) pass(to, from net.Conn, count *atomic.Int64) {
	queue := make(chan held, 1024)
	go func() {
		defer close(queue)
		for {
			buffer := make([]byte, 32*1024)
			n, err := from.Read(buffer)
			if n > 0 {
				count.Add(int64(n))
				queue <- held{buffer[:n], time.Now().Add(time.Duration(r.Delay.Load()))}
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
