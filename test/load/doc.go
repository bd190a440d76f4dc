// Command load measures what Outrider costs a cluster, and what the alternatives
// do, in one run: pod creates through a real API server, and AdmissionReviews sent
// to the webhook. It prints one table, and ends with 1 if a pod was not created,
// not injected, or sent to the controller without a need.
//
//	go run ./test/load          all of it, some minutes
//	go run ./test/load -short   the counts
//
// # Decisions
//
// Only ratios within one run say something: the variants take turns in short
// blocks, in a new random order each time, so that what else the machine does
// meets all of them. Times are reported and never judged, counts always.
//
// "No webhook" is measured while there is no webhook configuration: it is deleted
// for the block and made again, and the API server is asked until it goes by that.
//
// The controller is the real binary with the chart's own configuration. The
// alternatives are written here and served by a process of their own, so that like
// the controller they share no heap with who asks: the naive handler is what
// controller-runtime's documentation shows, and adds what Outrider adds; the fixed
// one decodes a pod and adds what it has ready, without a decision; the echo
// answers without decoding anything, and is the floor.
//
// Reviews are sent over HTTP/1.1, one at a time on a connection: so do API servers,
// and the controller offers nothing else.
//
// All programs share this machine's processors. On a cluster the controller has its
// own, so at concurrency 16 the figures here are worse than there.
//
// The review that webhook's budgets are measured by is one that is caught here
// (-review); a test holds its shape to what the API server sends today.
package main
