// Package policy holds the tests of injection by the API server's own policies: a real API server with the chart's policies in mode
// policy, and no webhook.
package policy
