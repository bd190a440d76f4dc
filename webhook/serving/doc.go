// Package serving bounds what clients can take of a port. Any client that reaches a pod of the webhook can connect, so an API server's
// call must be answered beside those that are not honest.
//
// # Decisions
//
// # Not controller-runtime's webhook server
//
// It can be given neither timeouts nor a listener: a body may trickle forever, each in a buffer of up to 7 MiB, on any number of
// connections. Refused: deadlines set by handlers, which leave the number of connections unbounded.
//
// # Connections share one limit of memory; beyond it, one is evicted and the new one is served
//
// Each counts as a small body, and while a larger one arrives, as that. Evicted is one of the address that holds the most: the one that
// has been in its state for the longest. Where no address holds a quarter, it is the oldest of those never answered, if these hold more
// than a quarter, as in an attack from many addresses. A review takes milliseconds. Refused: netutil.LimitListener and a semaphore, at
// which newcomers wait for clients that trickle; a fixed number for each address, because several API servers may come through one.
//
// # A body is read whole, and looked at, before it is decoded
//
// Kubernetes' JSON begins with a brace (the decoder would take YAML and protobuf, at a hundred times the cost), and empty items of lists
// grow a hundredfold as Go values, so they are counted. Of the bodies with more than a thousand commas one is decoded at a time.
//
// # Refusals are HTTP statuses
//
// With failurePolicy Ignore the API server then lets the pod through. An AdmissionReview that is not allowed would refuse it.
//
// # A replica that leaves closes each connection with an answer
//
// Refused: http.Server.SetKeepAlivesEnabled and Shutdown alone, which close idle connections at once: a call that is on its way is lost.
//
// # Not bounded
//
// What a TLS handshake costs: half a millisecond of a core. HTTP/2 is off, and its floods with it. API servers show no certificate unless
// configured to, so none is asked for; a NetworkPolicy can keep pods away.
package serving
