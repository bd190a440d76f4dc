package main

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
)

// relay passes TCP connections on to a server and counts the bytes that come back.
type relay struct {
	listener net.Listener
	to       string
	received atomic.Int64
}

// newRelay listens on a free port of 127.0.0.1 and passes on to the address to, until Close.
func newRelay(to string) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for a relay: %w", err)
	}
	r := &relay{listener: l, to: to}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go r.pass(client)
		}
	}()
	return r, nil
}

func (r *relay) address() string { return r.listener.Addr().String() }

// Close takes no further connections; those that are open end with their clients.
func (r *relay) Close() { _ = r.listener.Close() }

func (r *relay) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	go func() {
		defer server.Close() // which ends the other direction too
		_, _ = io.Copy(server, client)
	}()
	_, _ = io.Copy(counted{client, &r.received}, server)
}

// counted adds up what is written.
type counted struct {
	io.Writer
	n *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n.Add(int64(n))
	return n, err
}
