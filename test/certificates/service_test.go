package certificates_test

import (
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// service does for the API server what kube-proxy does for a Service: it takes a connection to one of the replicas that
// are ready, and does not look into it. A second address leads to replicas that are not ready, too.
type service struct {
	address, probe string
	handshakes     atomic.Int64 // connections to the first address

	mu      sync.Mutex
	members []*replica
	next    int
	links   []*link
}

// link is one connection from the API server to a replica.
type link struct {
	replica          *replica
	client, upstream *net.TCPConn  // no upstream while it is dialled
	ending           bool          // hangUp waits for it
	done             chan struct{} // closed when both ends are
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{}
	s.address = s.listen(t, func(r *replica) bool { return r.ready.Load() }, &s.handshakes)
	s.probe = s.listen(t, func(*replica) bool { return true }, &atomic.Int64{})
	return s
}

func (s *service) listen(t *testing.T, eligible func(*replica) bool, count *atomic.Int64) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			go s.serve(conn.(*net.TCPConn), eligible)
		}
	}()
	return l.Addr().String()
}

func (s *service) add(r *replica) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members = append(s.members, r)
}

// remove takes a replica out of what new connections may lead to.
func (s *service) remove(r *replica) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members = slices.DeleteFunc(s.members, func(m *replica) bool { return m == r })
}

// serve joins a connection to a replica. Without one it ends, as it would on a node.
func (s *service) serve(client *net.TCPConn, eligible func(*replica) bool) {
	l := &link{client: client, done: make(chan struct{})}
	defer client.Close()
	s.mu.Lock()
	for range s.members {
		s.next++
		if r := s.members[s.next%len(s.members)]; eligible(r) {
			l.replica = r
			break
		}
	}
	if l.replica != nil {
		s.links = append(s.links, l) // before it is dialled: who is about to be killed waits for it
	}
	s.mu.Unlock()
	if l.replica == nil {
		return
	}
	defer s.forget(l)
	upstream, err := net.Dial("tcp", l.replica.webhook)
	if err != nil {
		return
	}
	defer upstream.Close()
	s.mu.Lock()
	l.upstream = upstream.(*net.TCPConn)
	if l.ending {
		upstream.Close()
	}
	s.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(client, upstream); _ = client.CloseWrite() })
	both.Go(func() { _, _ = io.Copy(upstream, client); _ = l.upstream.CloseWrite() })
	both.Wait()
}

func (s *service) forget(l *link) {
	l.client.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = slices.DeleteFunc(s.links, func(m *link) bool { return m == l })
	close(l.done)
}

// hangUp ends the connections to a replica, nil for all, and returns when the API server has ended its side of them:
// it will not send another call into one. That is only safe while no call is under way.
func (s *service) hangUp(of *replica) {
	s.mu.Lock()
	var ending []*link
	for _, l := range s.links {
		if of == nil || l.replica == of {
			ending, l.ending = append(ending, l), true
			if l.upstream != nil {
				l.upstream.Close()
			}
		}
	}
	s.mu.Unlock()
	for _, l := range ending {
		<-l.done
	}
}
