// Package serving is the webhook's port. Whoever reaches a pod of the controller can knock at it, so what one caller can take of it is
// bounded, and an honest call of an API server is answered beside those that are not.
//
// # Decisions
//
// It takes the place of controller-runtime's webhook server, which can be given neither timeouts nor a listener: there a body may
// trickle for ever, each in a buffer of up to 7 MiB, and there may be any number of them. Registration, with its metrics, is still that
// server's. Refused: deadlines set by the handlers alone, since the number of connections would still have no bound.
//
// When there are too many connections, one is closed and the new one is served. It is one of the address that has the most, the one
// that has been at the same request, or idle, for the longest. Where no address has a quarter of all, it is the oldest of those that
// were never answered, if these are more than a quarter: strangers with a thousand addresses would crowd out who has two connections.
// An honest call takes milliseconds. Refused: to let newcomers wait, as a limiting listener does, because then those who trickle keep
// the others out; and a fixed number for each address, because several API servers may come through one.
//
// A body is read whole before anything is decoded, and is looked at: JSON as Kubernetes writes it begins with a brace (the decoder would
// take YAML and protobuf too, at a hundred times the cost), and a list of empty items grows a hundredfold when it becomes Go values,
// so the items of lists are counted. Small bodies always have room. Large ones share some, where the largest of the
// address that has taken the most makes room; and of those with more than a thousand commas one is worked on at a time.
//
// What is refused is refused with a status of HTTP and not with an AdmissionReview. Under failurePolicy Ignore the API server then lets
// the pod through; "not allowed" would refuse it, as controller-runtime's answer to a body that is too large does.
//
// A replica that leaves closes each connection with an answer, for as long as it still serves. Refused: http.Server.SetKeepAlivesEnabled,
// which closes idle connections at once, and Shutdown alone, which does: a call that is on its way to one is lost (TestLeaving
// without it).
//
// The ports for metrics and probes are under the same limits of connections and time. They read no bodies.
//
// HTTP/2 is off (see certs.ServeWith), and so are its floods. Not bounded is what a TLS handshake costs: about half a millisecond of
// one core. A NetworkPolicy can keep pods away from the port; nothing here tells an API server from others, because API servers show
// no certificate unless they are told to.
package serving
