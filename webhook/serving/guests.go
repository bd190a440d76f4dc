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

	mu     sync.Mutex
	shared int64 // bytes that the guests have taken; who was shown out has given back
	all    map[net.Conn]*guest
	hosts  map[string]*list.List // by the address that they come from, those that have done the same for the longest first
	new    *list.List            // those that were never answered, in the order in which they came
}

// guest is one connection.
type guest struct {
	conn  net.Conn
	from  string
	place *list.Element // among those of its host
	new   *list.Element // among those that were never answered; nil after the first answer
	taken int64         // bytes of what large bodies share
}

func newGuests(most int) *guests {
	return &guests{most: most, all: map[net.Conn]*guest{}, hosts: map[string]*list.List{}, new: list.New()}
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
			if state == http.StateIdle {
				g.answered(of)
			}
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
	of.place, of.new, g.all[conn] = h.PushBack(of), g.new.PushBack(of), of
}

func (g *guests) answered(of *guest) {
	if of.new != nil {
		g.new.Remove(of.new)
		of.new = nil
	}
}

func (g *guests) forget(of *guest) {
	h := g.hosts[of.from]
	if h.Remove(of.place); h.Len() == 0 {
		delete(g.hosts, of.from)
	}
	g.answered(of)
	g.shared -= of.taken
	of.taken = 0
	delete(g.all, of.conn)
}

// showOut closes a connection of the host that has the most: the one that has done the same, or nothing, for the longest. Where none has
// many, but many were never answered, it is the oldest of these.
func (g *guests) showOut() {
	const share = 4 // of all, above which they are many
	var most *list.List
	for _, h := range g.hosts {
		if most == nil || h.Len() > most.Len() {
			most = h
		}
	}
	if many := g.most / share; most.Len() <= many && g.new.Len() > many {
		most = g.new
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

// take gives a guest bytes of what large bodies share, of which there are so many in all. Where they do not suffice, the host
// that has taken the most makes room, by the connection that has taken the most of it; unless that is the one that asks.
func (g *guests) take(of *guest, bytes, inAll int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if of == nil || g.all[of.conn] != of {
		return false // shown out
	}
	of.taken += bytes
	g.shared += bytes
	for g.shared > inAll {
		most := g.greediest()
		if most == of {
			return false
		}
		g.close(most)
	}
	return true
}

// give takes back what a guest has taken.
func (g *guests) give(of *guest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if of != nil {
		g.shared -= of.taken
		of.taken = 0
	}
}

// greediest is the guest that has taken the most, of the host that has.
func (g *guests) greediest() *guest {
	hosts := map[string]int64{}
	for _, of := range g.all {
		hosts[of.from] += of.taken
	}
	var most *guest
	for _, of := range g.all {
		if most == nil || hosts[of.from] > hosts[most.from] || of.from == most.from && of.taken > most.taken {
			most = of
		}
	}
	return most
}

type connKey struct{}

// introduce is a http.Server's ConnContext: requests know their connection. It is
// called before change hears of the connection.
func (g *guests) introduce(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// of is who makes a request, or nil once that one was shown out.
func (g *guests) of(ctx context.Context) *guest {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all[conn]
}
