// Package certs keeps the webhook's serving certificate, and the caBundle that
// makes the API server trust it.
//
// A Source serves a certificate on every replica and answers whether the API
// server trusts it; an elected leader alone changes anything. There are three:
// an authority of our own (self-signed), cert-manager's, and yours (secret).
//
// # A rotation, in mode self-signed
//
// Its state is the Secret, and nothing else: the authority that signs, the next
// one, and those that have signed with the time when they leave. rotation.step
// is the state machine, a pure function of the Secret, of what the leader saw,
// and of the time. A leader that dies anywhere leaves a Secret from which the
// next one goes on.
//
//	spreading  the next authority is in every caBundle and signs nothing. It is
//	           read back, then proven (see below), then given the settle time.
//	retiring   it signs. Every replica has its certificate signed anew. The old
//	           one stays trusted for the life of a certificate and an hour.
//	steady     one authority signs, and it alone is trusted.
//
// # Decisions
//
// Replicas sign for themselves, with cert-manager's dynamic source, whose
// Authority is ours. Each has the authority's key anyway, since it may read the
// Secret; a serving key that never leaves its process is better than one that
// is shared; and a replica renews without a leader. The library's own authority
// is refused: it replaces its certificate in one step, and handshakes fail until
// the caBundle has followed. Before each signature the Secret and the webhook
// configuration are read from the API server, not from the cache. So nothing is
// signed by an authority that has left, which bounds how long a retired one
// must stay; and nothing is served that no caBundle trusts yet: the library
// keeps the last certificate and asks again each second.
//
// The proof of trust is a call of the API server's. The leader asks for a dry
// run of creating a Lease with a label that an entry of the webhook
// configuration selects. That entry calls our pods through a second Service,
// whose name gets it a certificate of the next authority, and the answer names
// that authority. The Lease comes back changed only if the API server's own
// webhook client, with the configuration that it has now, trusts what will be
// served. Every proof is a connection of its own, in both directions. Refused:
// a TLS dial with the live caBundle as roots, which proves that bytes in etcd
// fit a certificate and nothing about an API server; a dry run of a Pod, which
// needs the permission to create pods; and a second port, which firewalls of
// private clusters do not let through. The entry says Fail, because it selects
// nothing that anybody else makes and an error tells more than silence.
//
// One proof is about one API server, and there may be several whose watches lag:
// hence the settle time after it, five minutes by default, and another proof
// immediately before the new authority signs. A failed proof in between does not
// begin the settling anew, or a replica that cannot start could hold up a
// rotation for ever. Without any proof (the entry was deleted) the new authority
// signs when the old one has less than a certificate's life left, provided that
// the caBundles have held it for the settle time.
//
// The first authority of an installation signs at once. One that replaces an
// authority whose key nobody remembers, or another mode's, is trusted and proven
// first, without the settle time: starting replicas wait for it.
//
// A lost or broken Secret is restored from what replicas serve by, and a
// rotation begins: so deleting the Secret is how one rotates by hand, and a key
// that was lost does not go on signing. An authority that somebody puts into the
// Secret, from a backup say, becomes the next one.
//
// The Lease of this leadership is named like the Secret, and is not the
// manager's. When a rollout changes the mode or the Secret, the old replicas
// stay, and lead, until the new ones are ready; and those are ready only when
// somebody has written their authority into the caBundle. With one Lease for
// both, neither would come to an end.
//
// The caBundle is merged, not replaced. What else it holds may be what replicas
// of another mode serve by: it stays for the life of a certificate after it was
// first seen. That somebody could slip an authority in is not made worse by it:
// who may write a caBundle may write it again. Order does not count, or two
// leaders during a change of mode would write each other's order for ever. A
// patch names the version that it was made from. Another webhook's fields, and
// those newer than our types, are not touched.
//
// In mode cert-manager the caBundle is cainjector's, which merges as well from
// cert-manager 1.19 on; older ones replace it, and a change of mode or of the
// issuer's key then costs the time that a rollout takes. In mode secret the
// leader writes the Secret's ca.crt. Refused: a value for the caBundle that the
// chart renders, which Helm writes in one step, without the old replicas'
// authority. Nor may a Secret without ca.crt guess from its chain. In both modes
// a replica serves a new certificate once every entry has trusted it for the
// settle time; one that an authority of old signed, at once.
//
// A certificate that is about to expire is said in the log and counted, but does
// not make a replica unready, nor does a bad Secret while a good certificate is
// served: unready replicas answer nothing, which is what expiry would cost.
//
// Ready means trusted: Check verifies the served certificate against the
// caBundles of the entries that call our Service. A replica that starts has seen
// that for a second first, because API servers see it at another moment.
//
// The Secret is watched, not mounted: a kubelet refreshes mounted Secrets up to
// a minute late.
//
// The chart renders the Secret without data and the webhook configuration
// without caBundle, so that rendering is deterministic, Helm and Argo CD leave
// alone what is written there, and uninstalling removes both. A Secret that is
// made anew gets its labels back, by which Helm knows it.
//
// Clocks may differ by an hour: certificates are dated back by that much, and
// retired authorities stay that much longer. A replica learns from the dates of
// the API server's answers that its own differs by more than the API server or
// its renewals bear; it then signs nothing, is not ready where it has nothing to
// serve, and does not lead. Refused: dating by the API server's clock, which
// would hide a broken node and leave renewals to its clock all the same.
// The settle time is measured by the leader's own clock; a new leader begins it
// anew.
//
// HTTP/2 is off. API servers call webhooks over HTTP/1.1 only (they would not
// balance load over HTTP/2), so that it would serve nobody but attackers. TLS is
// 1.3 with every API server of today, 1.2 at least, and sessions are not resumed.
package certs
