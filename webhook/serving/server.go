package serving

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// What clients may take of a port. It fits the memory that the chart gives the webhook. A pod that the API server stores has 1.5 MiB at
// most; one of 200 containers with 40 variables, ports and mounts each has 8000 items.
const (
	mostHeld  = 12 << 20 // bytes of all connections: 512 of them, where no body is large
	mostBody  = 4 << 20  // bytes
	mostItems = 10_000   // of lists in one body

	small  = 24 << 10 // bytes; a connection counts as many, and a body of that size has memory
	simple = 1000     // commas; bodies that have more are handled one at a time
)

// NewServer returns a server of HTTP/1.1 that bounds its clients' memory and time.
func NewServer(handler http.Handler) *http.Server {
	c := newConnections(mostHeld)
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           handler,
		ConnContext:       c.open,
		ConnState:         c.change,
		ReadHeaderTimeout: 5 * time.Second,  // the handshake too
		ReadTimeout:       10 * time.Second, // its body included
		WriteTimeout:      30 * time.Second, // from the end of its header
		IdleTimeout:       2 * time.Minute,  // longer than API servers keep idle connections (90 s): a call on one that closes is lost
		MaxHeaderBytes:    16 << 10,
		Protocols:         protocols,
		// A client that connects and sends nothing would cause a line each: only the most detailed level has them.
		ErrorLog: slog.NewLogLogger(logr.ToSlogHandler(log.Log.WithName("serving")), slog.LevelDebug),
	}
}
