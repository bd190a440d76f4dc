package serving

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
)

// Server is controller-runtime's webhook server under Limits. It has no leader: each replica serves.
type Server struct {
	*ctrlwebhook.DefaultServer // what Register does
	leaving                    context.Context
	address                    string
	tls                        *tls.Config
	limits                     Limits
	guests                     *guests
	front                      *front
	listening                  atomic.Bool
}

// NewServer returns a server for an address, such as ":10250". From the end of leaving on, which is to be a while before the server is
// told to stop, each answer closes its connection.
func NewServer(leaving context.Context, address string, l Limits, options ...func(*tls.Config)) *Server {
	config := &tls.Config{}
	for _, option := range options {
		option(config)
	}
	g := newGuests(l.Connections)
	return &Server{
		DefaultServer: &ctrlwebhook.DefaultServer{},
		leaving:       leaving,
		address:       address, tls: config, limits: l, guests: g, front: newFront(l, g),
	}
}

// Register implements webhook.Server.
func (s *Server) Register(path string, hook http.Handler) {
	s.DefaultServer.Register(path, s.front.before(hook))
}

// leaveTime is how long calls may take to end once the server is told to.
const leaveTime = time.Minute

// Start implements webhook.Server. It returns when ctx has ended and the last call is answered.
func (s *Server) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.address)
	if err != nil {
		return fmt.Errorf("serve the webhook: %w", err)
	}
	return s.serve(ctx, tls.NewListener(listener, s.tls))
}

func (s *Server) serve(ctx context.Context, listener net.Listener) error {
	server := s.server(ctx)
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
		defer cancel()
		ended <- server.Shutdown(last)
	}()
	s.listening.Store(true)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the webhook: %w", err)
	}
	return <-ended
}

func (s *Server) server(ctx context.Context) *http.Server {
	return limited(&http.Server{ //nolint:gosec // limited sets the timeouts
		Handler: s.parting(s.WebhookMux()),
		// What has arrived when the server is told to stop is answered.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}, s.limits, s.guests)
}

// parting has each answer close its connection once this replica is leaving. An API server would keep it, and a call that it
// sends while the stopping server closes what is idle is lost: not being idempotent, it is not sent again.
func (s *Server) parting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.leaving.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// Limited puts a server of anything else under the limits of connections and time, and returns it.
func Limited(server *http.Server, l Limits) *http.Server {
	return limited(server, l, newGuests(l.Connections))
}

func limited(server *http.Server, l Limits, g *guests) *http.Server {
	server.ConnState, server.ConnContext = g.change, g.introduce
	server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout, server.IdleTimeout = l.Header, l.Request, l.Answer, l.Idle
	server.MaxHeaderBytes = 16 << 10
	// Whoever knocks and does not come in would write a line each: only the most detailed level has them.
	server.ErrorLog = slog.NewLogLogger(logr.ToSlogHandler(log.Log.WithName("serving")), slog.LevelDebug)
	server.Protocols = &http.Protocols{}
	server.Protocols.SetHTTP1(true)
	return server
}

// StartedChecker implements webhook.Server: it asks for a handshake.
func (s *Server) StartedChecker() healthz.Checker {
	return func(r *http.Request) error {
		if !s.listening.Load() {
			return errors.New("the webhook's port is not open yet")
		}
		dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // this pod's own port
		conn, err := dialer.DialContext(r.Context(), "tcp", s.address)
		if err != nil {
			return fmt.Errorf("reach the webhook's port: %w", err)
		}
		return conn.Close()
	}
}
