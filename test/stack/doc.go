/*
Package stack runs the servers of the chart on this machine, without a cluster: the real programs, with the very arguments
and files that the chart renders, but for their folders and ports.

# Decisions

A configuration that Prometheus' Go package reads may still be refused by the program, for a flag that does not exist in
that mode or a file that is not there. And what the chart's own programs do beside such a server, the container that tells
Alertmanager of a new configuration and the script of "helm test", is only proven on the server. The cluster's tests see all
of it once; this sees each mode, in seconds.
*/
package stack
