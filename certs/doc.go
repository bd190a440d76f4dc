// Package certs keeps the webhook's serving certificate, and the caBundle that
// makes the API server trust it.
//
// A Source serves a certificate on every replica and answers whether the API
// server trusts it; the elected leader alone changes anything.
//
// # Decisions
//
// The Secret is the only store and is watched, not mounted: a kubelet refreshes
// mounted Secrets up to a minute late, and a replica that serves a certificate
// which the caBundle does not know yet loses pods with failurePolicy Ignore.
//
// The chart renders the Secret without data and the webhook configuration
// without caBundle, so that rendering is deterministic, Helm and Argo CD leave
// alone what the controller writes there, and uninstalling removes both.
//
// Ready means trusted: Check verifies the served certificate against the
// caBundle of the live webhook configuration. A replica that would be refused
// by the API server gets no traffic.
//
// The caBundle is written before the Secret, and keeps our older authorities
// until they expire: what is served is trusted first, and a failure between the
// two writes, or a Secret that had to be made anew, takes nothing away. Another
// certificate than ours in a caBundle is not kept.
//
// The caBundle is written by a JSON patch of that one field. Writing the whole
// object back would strip fields that are newer than our types.
package certs
