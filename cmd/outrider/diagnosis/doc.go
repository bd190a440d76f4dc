// Package diagnosis finds out what is wrong with an installation of Outrider,
// with the permissions of the user.
//
// # Decisions
//
// # The check that counts is a dry run
//
// A pod that asks for an exporter is made as the API server makes it, and discarded. It
// passes the whole way, the API server's network to the webhook and its trust in the
// certificate included, which no reading of objects proves. The other checks say why it
// fails.
//
// # The certificate is read as it is served
//
// By a port-forward to the pods, and not from the Secret, which needs the permission to
// read Secrets.
//
// # One cause, one failure
//
// A check that needs what an earlier one did not find is left out. What the user is not
// allowed to read is a warning, never a pass.
package diagnosis
