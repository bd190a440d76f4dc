package main

import "github.com/outrider-dev/outrider/test/endpoint"

// spent is what has been done for pods.
type spent struct {
	called     int     // times the controller was asked about one
	controller float64 // CPU seconds of the controller
	server     float64 // and of the API server, to 10 ms
}

func (a spent) plus(b spent) spent {
	return spent{a.called + b.called, a.controller + b.controller, a.server + b.server}
}

func (a spent) minus(b spent) spent {
	return spent{a.called - b.called, a.controller - b.controller, a.server - b.server}
}

// spent is what has been done until now.
func (s *stage) spent() (spent, error) {
	calls, err := endpoint.Sum(s.metrics, `controller_runtime_webhook_requests_total{code="200",webhook="/inject/`)
	if err != nil {
		return spent{}, err
	}
	controller, err := endpoint.Sum(s.metrics, "process_cpu_seconds_total ")
	if err != nil {
		return spent{}, err
	}
	server, err := s.api.Usage()
	return spent{int(calls), controller, server.CPU.Seconds()}, err
}
