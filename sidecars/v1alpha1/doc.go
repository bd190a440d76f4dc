// Package v1alpha1 is the Exporter resource of the API group outrider.dev:
// one Prometheus exporter, described as data.
//
// # Decisions
//
// An Exporter holds no code and no template language. Its arguments and
// environment may hold ${parameter}, and nothing else is expanded, so that a
// reviewer can read what a definition does, and a tenant's annotation can
// never become more than the one value whose pattern it matched.
//
// The security context is not free-form. Every injected container drops all
// capabilities, has a read-only root file system and a numeric user; a
// definition chooses only which user.
package v1alpha1
