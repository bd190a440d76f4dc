package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// receiver is the webhook that Alertmanager notifies: a process on the node's
// address, which only this machine and the cluster's pods reach.
type receiver struct {
	url string

	mu       sync.Mutex
	received []notified
}

// notified is one alert of one notification.
type notified struct {
	Status      string
	Labels      map[string]string
	Annotations map[string]string
}

func startReceiver(address string) (*receiver, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen for notifications: %w", err)
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/"}
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // until the test's process ends
	return r, nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var notification struct{ Alerts []notified }
	if err := json.NewDecoder(request.Body).Decode(&notification); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received = append(r.received, notification.Alerts...)
}

// about returns what was received of an alert about a namespace, as it came.
func (r *receiver) about(alert, namespace string) (found []notified) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.received {
		if n.Labels["alertname"] == alert && n.Labels["namespace"] == namespace {
			found = append(found, n)
		}
	}
	return found
}

// configuration is Alertmanager's: everything goes to the receiver, and at once.
func (r *receiver) configuration() map[string]any {
	return map[string]any{
		"route": map[string]any{
			"receiver": "test", "group_by": []any{"alertname", "namespace"}, "group_wait": "1s", "group_interval": "1s", "repeat_interval": "1h",
		},
		"receivers": []any{map[string]any{
			"name": "test", "webhook_configs": []any{map[string]any{"url": r.url, "send_resolved": true}},
		}},
	}
}
