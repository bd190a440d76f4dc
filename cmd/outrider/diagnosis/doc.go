// Package diagnosis finds out what is wrong with an installation of Outrider,
// with the permissions of whoever asks.
//
// # Decisions
//
// The one check that counts is a dry-run: a pod that asks for an exporter, made
// as the API server makes it and thrown away. It passes the whole way, the API
// server's network to the webhook and its trust in the certificate included,
// which no look at objects proves. The others say why it fails.
//
// The certificate is read from the controller's pods by a port-forward, as it is
// served, and not from the Secret: to read that, one would have to be allowed to
// read Secrets.
//
// A check that needs what an earlier one did not find is left out: one cause,
// one failure. What the caller is not allowed to see is a warning, never a pass.
package diagnosis
