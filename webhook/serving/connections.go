package serving

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// connections are those of a server. What they hold together stays below a limit.
type connections struct {
	limit int // bytes

	mu     sync.Mutex
	held   int
	byConn map[net.Conn]*connection
}

// connection holds what a small request takes at least, and the body that it is sending.
type connection struct {
	conn     net.Conn
	all      *connections
	host     string // it comes from
	held     int
	changed  time.Time // when its state changed
	answered bool
}

func newConnections(limit int) *connections {
	return &connections{limit: limit, byConn: map[net.Conn]*connection{}}
}

type connectionKey struct{}

// open is a http.Server's ConnContext: requests know their connection.
func (c *connections) open(ctx context.Context, conn net.Conn) context.Context {
	host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	of := &connection{conn: conn, all: c, host: host, changed: time.Now()}
	c.mu.Lock()
	c.byConn[conn] = of
	c.mu.Unlock()
	of.hold(0)
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
	default:
		of.changed, of.answered = time.Now(), of.answered || state == http.StateIdle
	}
}

// hold notes the size of the body that a connection has memory for. While all hold too much, connections are evicted. It reports
// whether this one is still there.
func (of *connection) hold(body int) bool {
	c := of.all
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byConn[of.conn] != of {
		return false
	}
	c.held -= of.held
	of.held = max(body, small)
	c.held += of.held
	for c.held > c.limit {
		c.evict(c.greediest())
	}
	return c.byConn[of.conn] == of
}

// greediest is the connection in its state for the longest, of the host that holds the most, or, where none holds much, of those
// never answered, if these hold much.
func (c *connections) greediest() *connection {
	much, unanswered := c.limit/4, 0
	byHost := map[string]int{}
	for _, of := range c.byConn {
		byHost[of.host] += of.held
		if !of.answered {
			unanswered += of.held
		}
	}
	most := ""
	for host, held := range byHost {
		if held > byHost[most] {
			most = host
		}
	}
	suspect := func(of *connection) bool { return of.host == most }
	if byHost[most] <= much && unanswered > much {
		suspect = func(of *connection) bool { return !of.answered }
	}
	var found *connection
	for _, of := range c.byConn {
		if suspect(of) && (found == nil || of.changed.Before(found.changed)) {
			found = of
		}
	}
	return found
}

// evict closes a connection. It counts no more from now on, though the server learns of it later.
func (c *connections) evict(of *connection) {
	c.forget(of)
	conn := of.conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // Close of the other would write an alert first, and might wait
	}
	_ = conn.Close()
}

func (c *connections) forget(of *connection) {
	c.held -= of.held
	delete(c.byConn, of.conn)
}
