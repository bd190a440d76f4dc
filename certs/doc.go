// Package certs keeps the webhook's serving certificate, and the caBundle that
// makes the API server trust it.
//
// A Source serves a certificate on every replica and answers whether the API
// server trusts it; only an elected leader changes anything. There are three
// sources: a self-managed CA (self-signed), cert-manager, and a Secret of yours.
//
// # A rotation in mode self-signed
//
// Its state is the Secret and nothing else: the CA that signs, the next one, and
// those that have signed, each with the time when it leaves. rotation.step is the
// state machine, a pure function of the Secret, of what the leader observed, and
// of the time. A leader that dies at any point leaves a Secret from which the
// next one continues.
//
//	spreading  the next CA is in every caBundle and signs nothing. It is read
//	           back, then proven (see below), then given the settle time.
//	retiring   it signs. Every replica has its certificate signed again. The old
//	           one stays trusted for the life of a certificate and an hour.
//	steady     one CA signs, and only that one is trusted.
//
// # Decision: replicas sign for themselves
//
// Each replica may read the Secret, so it has the CA's key anyway. A serving key
// that never leaves its process is better than a shared one, and renewals need no
// leader. Before each signature the Secret and the webhook configuration are read
// from the API server: nothing is signed by a CA that has left, or served before a
// caBundle trusts it. Refused: cert-manager's CA, which replaces itself in one step.
//
// # Decision: the proof of trust is a call of the API server
//
// The leader asks for a dry run of creating a Lease with a label that one entry of
// the webhook configuration selects. The entry calls our pods through a second
// Service, whose name gets it a certificate of the next CA, and the answer names
// that CA: the API server's own webhook client trusts what will be served.
//
// Refused: no proof. Without it, at a settle time of 400 ms and on a busy machine, the
// sixth of 20 rotations lost one pod of 1,693; with it none of 21,371 was. A TLS dial with the live caBundle as roots, which proves nothing about an
// API server; a dry run of a Pod, which needs the permission to create pods; and a
// second port, which firewalls of private clusters block. The entry says Fail,
// because it selects nothing that others create, and an error says more.
//
// # Decision: the settle time follows the proof
//
// A proof is about one API server, and others may lag. A second proof is made
// immediately before the new CA signs. A failed proof between the two does not
// restart the settle time: a replica that cannot start must not block a rotation.
// Without any proof the new CA signs when the old one has less than a certificate's
// life left, if the caBundles have held it for the settle time.
//
// # Decision: the first CA signs at once
//
// One that replaces a CA whose key is lost, or another mode's, is trusted and proven
// first, without the settle time: starting replicas wait for it.
//
// # Decision: a lost or broken Secret is restored, then rotated
//
// It is restored from what replicas serve, and a rotation begins. So deleting the
// Secret rotates by hand, and a lost key stops signing. A CA that someone puts into
// the Secret, for example from a backup, becomes the next one. Until a leader has
// restored it, replicas renew by the CA that signed for them last, if every entry
// still trusts it: without that, a leader that is away costs every admission.
//
// # Decision: a Lease for each Secret
//
// When a rollout changes the mode or the Secret, the old replicas stay and lead until
// the new ones are ready, and those are ready only when someone has written their CA
// into the caBundle. With one Lease for both, neither would finish.
//
// # Decision: the caBundle is merged, not replaced
//
// Other certificates in it may be what replicas of another mode serve: they stay for
// the life of a certificate after they were first seen. Anyone who may write a
// caBundle may write it again, so this adds no risk. Order does not count, or two
// leaders would rewrite it forever. A patch names the version it was made from, and
// does not touch the fields of other webhooks or fields newer than our types.
//
// # Decision: who writes the caBundle in the other modes
//
// In mode cert-manager, cainjector does, and merges from version 1.19 on; older ones
// replace it, and a change of mode costs the time of a rollout. In mode secret the
// leader writes the Secret's ca.crt. Refused: a caBundle rendered by the chart, which
// Helm replaces in one step, and guessing a CA from a chain. A replica serves a new
// certificate once every entry has trusted it for the settle time.
//
// # Decision: expiry does not make a replica unready
//
// A certificate that is about to expire is logged and counted, and so is a bad Secret
// while a good certificate is served. Unready replicas answer nothing, which is what
// expiry would cost.
//
// # Decision: ready means trusted
//
// Check verifies the served certificate against the caBundles of the entries that call
// our Service. A replica that starts has seen that for a second first, because API
// servers see it at another moment.
//
// # Decision: the Secret is watched, and rendered without data
//
// Kubelets refresh mounted Secrets up to a minute late. The chart renders the Secret
// without data and the webhook configuration without caBundle: rendering is
// deterministic, Helm and Argo CD leave what is written there, and uninstalling
// removes both. A Secret that is created again gets Helm's labels back.
//
// # Decision: clocks may differ by an hour
//
// Certificates are dated back by an hour, and retired CAs stay an hour longer. A replica
// compares its clock with the dates of the API server's answers; if it differs by more
// than renewals tolerate, it signs nothing and does not lead. Refused: dating by the API
// server's clock, which would hide a broken node. The leader's own clock measures the
// settle time; a new leader starts it again.
//
// # Decision: no HTTP/2
//
// API servers call webhooks over HTTP/1.1 only, so HTTP/2 would serve nobody but
// attackers. TLS is 1.2 or later, and sessions are not resumed.
package certs
