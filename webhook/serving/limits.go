package serving

import "time"

// Limits are what callers may take of the port. They are fixed, and fit the memory that the chart gives the controller.
type Limits struct {
	// Connections at once.
	Connections int
	// Header is how long a handshake may take, and how long a request's header.
	Header time.Duration
	// Request is how long a request may take to come, its body included.
	Request time.Duration
	// Answer is how long a request may take from the end of its header to the end of its answer.
	Answer time.Duration
	// Idle is how long a connection may be kept for the next request: longer than API servers keep theirs, which is 90
	// seconds, for a call on one that is being closed here is lost.
	Idle time.Duration
	// Small is how many bytes of a body always have room.
	Small int64
	// Large is how many bytes there are for what bodies have beyond Small, together.
	Large int64
	// Body is how many bytes one body may have.
	Body int64
	// Items of lists in one body.
	Items int
	// Simple is how many commas a body may have that is worked on beside Beside others. Of the bodies with more, Hard are worked on at once.
	Simple, Beside, Hard int
}

// DefaultLimits are those of the controller. A pod that the API server stores has 1.5 MiB at most; one of 200 containers with 40
// variables, ports and mounts each has 8000 items.
func DefaultLimits() Limits {
	return Limits{
		Connections: 512,
		Header:      5 * time.Second, Request: 10 * time.Second, Answer: 30 * time.Second, Idle: 2 * time.Minute,
		Small: 32 << 10, Large: 8 << 20, Body: 4 << 20,
		Items: 10_000, Simple: 1000, Beside: 16, Hard: 1,
	}
}
