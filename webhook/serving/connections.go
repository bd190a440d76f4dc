package serving

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// connections are those of a server, and what their bodies hold of the memory that large ones share.
type connections struct {
	limit int
	large int64 // bytes to share

	mu       sync.Mutex
	changes  int // a clock of changes of state
	reserved int64
	byConn   map[net.Conn]*connection
	byHost   map[string]*host
}

// host is what the connections from one address have, together.
type host struct {
	name        string
	connections int
	reserved    int64
}

type connection struct {
	net.Conn
	all      *connections
	host     *host
	changed  int // when its state changed
	answered bool
	reserved int64
}

func newConnections(l Limits) *connections {
	return &connections{limit: l.Connections, large: l.Large, byConn: map[net.Conn]*connection{}, byHost: map[string]*host{}}
}

type connectionKey struct{}

// open is a http.Server's ConnContext: requests know their connection.
func (c *connections) open(ctx context.Context, conn net.Conn) context.Context {
	name, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		name = conn.RemoteAddr().String()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.byHost[name]
	if h == nil {
		h = &host{name: name}
		c.byHost[name] = h
	}
	h.connections++
	c.changes++
	of := &connection{Conn: conn, all: c, host: h, changed: c.changes}
	c.byConn[conn] = of
	if len(c.byConn) > c.limit {
		c.evict(c.stalest())
	}
	return context.WithValue(ctx, connectionKey{}, of)
}

// change is a http.Server's ConnState.
func (c *connections) change(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.byConn[conn]
	switch {
	case of == nil: // evicted
	case state == http.StateClosed || state == http.StateHijacked:
		c.forget(of)
	case state == http.StateActive || state == http.StateIdle:
		c.changes++
		of.changed, of.answered = c.changes, of.answered || state == http.StateIdle
	}
}

func (c *connections) forget(of *connection) {
	c.release(of)
	delete(c.byConn, of.Conn)
	if of.host.connections--; of.host.connections == 0 {
		delete(c.byHost, of.host.name)
	}
}

// stalest is the connection in its state for the longest, of the host that has the most, or, where none has many, of those
// never answered, if these are many.
func (c *connections) stalest() *connection {
	many := c.limit / 4
	var most *host
	for _, h := range c.byHost {
		if most == nil || h.connections > most.connections {
			most = h
		}
	}
	var ofHost, unanswered *connection
	waiting := 0
	for _, of := range c.byConn {
		if of.host == most && (ofHost == nil || of.changed < ofHost.changed) {
			ofHost = of
		}
		if !of.answered {
			if waiting++; unanswered == nil || of.changed < unanswered.changed {
				unanswered = of
			}
		}
	}
	if most.connections <= many && waiting > many {
		return unanswered
	}
	return ofHost
}

// evict closes a connection. It counts no more from now on, though the server learns of it later.
func (c *connections) evict(of *connection) {
	c.forget(of)
	conn := of.Conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // Close of the other would write an alert first, and might wait
	}
	_ = conn.Close()
}

// reserve takes bytes of what large bodies share. Where they do not suffice, the largest body of the host that holds the most is
// evicted, unless that is this one. It reports whether there is memory.
func (of *connection) reserve(bytes int64) bool {
	c := of.all
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byConn[of.Conn] != of {
		return false // evicted
	}
	of.reserved += bytes
	of.host.reserved += bytes
	c.reserved += bytes
	for c.reserved > c.large {
		most := of
		for _, other := range c.byConn {
			if other.host.reserved > most.host.reserved || other.host == most.host && other.reserved > most.reserved {
				most = other
			}
		}
		if most == of {
			return false
		}
		c.evict(most)
	}
	return true
}

// done gives back what the body of a request held.
func (of *connection) done() {
	of.all.mu.Lock()
	defer of.all.mu.Unlock()
	of.all.release(of)
}

func (c *connections) release(of *connection) {
	c.reserved -= of.reserved
	of.host.reserved -= of.reserved
	of.reserved = 0
}
