package main

import (
	"fmt"
	"slices"
)

// role is what one process does; it is a flag.Value.
type role string

const (
	// webhookRole answers admission reviews and changes nothing. Every replica does.
	webhookRole role = "webhook"
	// controllerRole keeps certificates, coverage, suspensions and the policies'
	// data, and repairs. One replica at a time does.
	controllerRole role = "controller"
	// allRoles is both in one process, for trying things out.
	allRoles role = "all"
)

// String implements flag.Value.
func (r *role) String() string { return string(*r) }

// Set implements flag.Value.
func (r *role) Set(text string) error {
	return choose(r, text, webhookRole, controllerRole, allRoles)
}

// serves reports whether the process answers admission reviews.
func (r role) serves() bool { return r != controllerRole }

// leads reports whether the process stands for election.
func (r role) leads() bool { return r != webhookRole }

// injection is who injects; it is a flag.Value.
type injection string

const (
	// byWebhook is the webhook alone.
	byWebhook injection = "webhook"
	// byBoth is the API server's policies, and the webhook what they leave.
	byBoth injection = "auto"
	// byPolicy is the API server's policies alone: there is no webhook, and no
	// certificate for it.
	byPolicy injection = "policy"
)

// String implements flag.Value.
func (i *injection) String() string { return string(*i) }

// Set implements flag.Value.
func (i *injection) Set(text string) error {
	return choose(i, text, byWebhook, byBoth, byPolicy)
}

// choose sets a flag to one of its words.
func choose[T ~string](to *T, text string, words ...T) error {
	if !slices.Contains(words, T(text)) {
		return fmt.Errorf("%q is none of %v", text, words)
	}
	*to = T(text)
	return nil
}

// serves reports whether the process answers admission reviews.
func (o *Options) serves() bool { return o.Role.serves() && o.Injection != byPolicy }
