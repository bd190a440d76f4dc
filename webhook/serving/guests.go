package serving

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// guests are the connections of a server.
type guests struct {
	most int

	mu      sync.Mutex
	all     map[net.Conn]*guest
	hosts   map[string]*list.List // by the address that they come from, those that have done the same for the longest first
	reading list.List             // guests whose body takes of what large bodies share, in the order in which they began
}

// guest is one connection.
type guest struct {
	conn    net.Conn
	from    string
	place   *list.Element // among those of its host
	reading *list.Element
}

func newGuests(most int) *guests {
	return &guests{most: most, all: map[net.Conn]*guest{}, hosts: map[string]*list.List{}}
}

// change is a http.Server's ConnState.
func (g *guests) change(conn net.Conn, state http.ConnState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch state {
	case http.StateNew:
		g.enter(conn)
		if len(g.all) > g.most {
			g.showOut()
		}
	case http.StateActive, http.StateIdle:
		if of := g.all[conn]; of != nil {
			g.hosts[of.from].MoveToBack(of.place)
		}
	case http.StateClosed, http.StateHijacked:
		if of := g.all[conn]; of != nil {
			g.forget(of)
		}
	}
}

func (g *guests) enter(conn net.Conn) {
	from, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		from = conn.RemoteAddr().String()
	}
	of := &guest{conn: conn, from: from}
	h := g.hosts[from]
	if h == nil {
		h = list.New()
		g.hosts[from] = h
	}
	of.place, g.all[conn] = h.PushBack(of), of
}

func (g *guests) forget(of *guest) {
	h := g.hosts[of.from]
	if h.Remove(of.place); h.Len() == 0 {
		delete(g.hosts, of.from)
	}
	g.finish(of)
	delete(g.all, of.conn)
}

// showOut closes a connection of the host that has the most: the one that has done the same, or nothing, for the longest.
func (g *guests) showOut() {
	var most *list.List
	for _, h := range g.hosts {
		if most == nil || h.Len() > most.Len() {
			most = h
		}
	}
	g.close(most.Front().Value.(*guest))
}

// close ends a connection at once. It counts no more from now on, though the server learns of it later.
func (g *guests) close(of *guest) {
	g.forget(of)
	conn := of.conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // Close of the other would say goodbye first, and might wait
	}
	_ = conn.Close()
}

// begin marks a guest as one whose body takes of what large bodies share.
func (g *guests) begin(of *guest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if of != nil && of.reading == nil && g.all[of.conn] == of {
		of.reading = g.reading.PushBack(of)
	}
}

// end takes the mark away.
func (g *guests) end(of *guest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if of != nil {
		g.finish(of)
	}
}

func (g *guests) finish(of *guest) {
	if of.reading != nil {
		g.reading.Remove(of.reading)
		of.reading = nil
	}
}

// makeRoom closes the connection whose large body has been coming for the longest, unless that is the one that asks.
func (g *guests) makeRoom(asks *guest) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	longest := g.reading.Front()
	if longest == nil || longest.Value == asks {
		return false
	}
	g.close(longest.Value.(*guest))
	return true
}

type guestKey struct{}

// introduce is a http.Server's ConnContext: requests know their connection.
func (g *guests) introduce(ctx context.Context, conn net.Conn) context.Context {
	g.mu.Lock()
	defer g.mu.Unlock()
	return context.WithValue(ctx, guestKey{}, g.all[conn])
}

func guestOf(ctx context.Context) *guest {
	of, _ := ctx.Value(guestKey{}).(*guest)
	return of
}
