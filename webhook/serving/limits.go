package serving

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Limits are what clients may take of a port.
type Limits struct {
	Connections int           // at once
	Header      time.Duration // for a handshake, and for a request's header
	Request     time.Duration // for a request to arrive, its body included
	Answer      time.Duration // from the end of a request's header to the end of its answer
	Idle        time.Duration // longer than API servers keep idle connections (90 s): a call on one that closes is lost
	Small       int64         // bytes of a body that always have memory
	Large       int64         // bytes that bodies may hold beyond Small, together
	Body        int64         // bytes of one body
	Items       int           // of lists in one body
	Commas      int           // of a body; those with more are handled one at a time
}

// DefaultLimits fit the memory that the chart gives the webhook. A pod that the API server stores has 1.5 MiB at most; one of 200
// containers with 40 variables, ports and mounts each has 8000 items.
func DefaultLimits() Limits {
	return Limits{
		Connections: 512,
		Header:      5 * time.Second, Request: 10 * time.Second, Answer: 30 * time.Second, Idle: 2 * time.Minute,
		Small: 32 << 10, Large: 8 << 20, Body: 4 << 20,
		Items: 10_000, Commas: 1000,
	}
}

// NewServer returns a server of HTTP/1.1 under the limits of connections and time.
func NewServer(handler http.Handler, l Limits) *http.Server {
	c := newConnections(l)
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           handler,
		ConnContext:       c.open,
		ConnState:         c.change,
		ReadHeaderTimeout: l.Header,
		ReadTimeout:       l.Request,
		WriteTimeout:      l.Answer,
		IdleTimeout:       l.Idle,
		MaxHeaderBytes:    16 << 10,
		Protocols:         protocols,
		// A client that connects and sends nothing would cause a line each: only the most detailed level has them.
		ErrorLog: slog.NewLogLogger(logr.ToSlogHandler(log.Log.WithName("serving")), slog.LevelDebug),
	}
}
