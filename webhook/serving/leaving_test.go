package serving

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Callers keep their connections and call all the time. Replica after replica leaves: new connections go to the next, and no call is
// lost.
func TestLeaving(t *testing.T) {
	const replicas, callers, calls = 20, 8, 30
	var address atomic.Value
	var running sync.WaitGroup
	start := func() (leave, stop func()) {
		leaving, leave := context.WithCancel(context.Background())
		ctx, stop := context.WithCancel(context.Background())
		echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
		server := manager.Server{Server: NewServer(Reviews(leaving, echo))}
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server.Listener = listener
		address.Store(listener.Addr().String())
		running.Go(func() {
			if err := server.Start(ctx); err != nil {
				t.Error(err)
			}
		})
		return leave, stop
	}
	leave, stop := start()

	ctx, end := context.WithCancel(t.Context())
	var answered [callers]chan struct{}
	var calling sync.WaitGroup
	for i := range callers {
		answered[i] = make(chan struct{})
		transport := &http.Transport{MaxConnsPerHost: 1, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address.Load().(string))
		}}
		defer transport.CloseIdleConnections()
		calling.Go(func() {
			for ctx.Err() == nil {
				if err := call(transport); err != nil {
					t.Errorf("a call is lost: %v", err)
				}
				select {
				case answered[i] <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	some := func() { // of each caller
		for range calls {
			for _, a := range answered {
				<-a
			}
		}
	}
	for range replicas {
		some()
		leaves, stops := leave, stop
		leave, stop = start()
		leaves()
		some()
		stops()
	}
	some()
	end()
	calling.Wait()
	leave()
	stop()
	running.Wait()
}

func call(transport *http.Transport) error {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://webhook/", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}
