// Command load measures what Outrider costs a cluster, and what the alternatives
// do, in one run: pod creates through a real API server, and AdmissionReviews sent
// to the webhook. It prints one table, and ends with 1 if a pod was not created,
// not injected, or sent to the controller without a need.
//
//	go run ./test/load          all of it, some minutes
//	go run ./test/load -short   the counts
//
// # Decision: only ratios within one run count
//
// The variants take turns in short blocks, in a new random order each time, so that
// other load on the machine affects all of them. Times are reported and never
// asserted; counts always are. "No webhook" is measured without a webhook
// configuration or a bound policy, once the API server no longer uses them; the
// policies with their data, which is the whole catalog, and with the webhook behind
// them that takes what they leave.
//
// # Decision: the alternatives run in a process of their own
//
// The controller is the real binary with the chart's configuration. The naive
// handler is the one of controller-runtime's documentation and adds what Outrider
// adds; the fixed one decodes a pod and adds a container without a decision; the
// echo answers without decoding and is the floor. The floor of the policies is one with a
// single condition that adds the same to pods with a label and decides nothing. All programs share this machine's
// CPUs, so at concurrency 16 the figures are worse than on a cluster.
//
// # Decision: reviews go over HTTP/1.1, one at a time per connection
//
// API servers do the same, and the controller offers nothing else. The review that
// the webhook's budgets use is recorded here (-review); a test compares its shape
// with what the API server sends today.
package main
